// bench/options.h - what the command line asks for.
//
// Reading it touches nothing but the file of --body: what is wrong comes back as the sentence to print.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/url.h"
#include "event/engine.h"

namespace ringx::bench {

struct Options {
    std::vector<Url> urls;        // they take turns; all of one server
    std::optional<Url> compared;  // B
    uint32_t connections = 64;
    uint32_t threads = 1;
    uint32_t pipeline = 1;        // requests sent together
    uint64_t requests = 0;        // of each connection; 0: as many as there is time for
    std::chrono::milliseconds duration{std::chrono::seconds(10)};
    std::chrono::milliseconds timeout{std::chrono::seconds(10)};
    double rate = 0;              // requests a second, of all connections; 0: the next when the last was answered
    bool close = false;           // a connection for each request
    std::string method = "GET";
    std::vector<std::string> headers;
    std::string body;
    bool has_body = false;
    bool verify = false;
    bool resume = false;
    std::string ca_file;
    std::string sni;              // empty: the URL's host
    EngineSettings::Choice engine = EngineSettings::Choice::automatic;
    uint32_t rounds = 5;          // of a comparison
    std::string csv_file;
    std::string plot_file;
    bool json = false;
    bool quiet = false;
    bool help = false;
    bool version = false;

    // Without the program's name.
    static std::expected<Options, std::string> parse(std::span<const std::string_view> words);

    bool is_open_loop() const { return rate > 0; }
    // The bytes of a request for this URL.
    std::string request(const Url& url) const;
};

std::string usage();

}  // namespace ringx::bench

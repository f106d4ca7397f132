// bench/url.h - what to ask, and whom: http://host:port/path?query.
//
// Host and port are as they are written in the Host field, so a port that is the scheme's own is left out there.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace ringx::bench {

struct Url {
    bool tls = false;
    std::string host;    // a name or an address; one of IPv6 has its brackets
    uint16_t port = 80;
    std::string target;  // path and query

    // The sentence says what is wrong.
    static std::expected<Url, std::string> parse(std::string_view text);

    // As in the Host field.
    std::string authority() const;
    std::string text() const;
    bool has_server_of(const Url& other) const {
        return tls == other.tls && host == other.host && port == other.port;
    }
};

}  // namespace ringx::bench

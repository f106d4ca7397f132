// proc/quick_serve.h - serving a directory without a configuration file: server --root DIR --listen ADDRESS:PORT
//
// The long options become an ordinary configuration, written in memory, and from there on everything is as always. It
// runs in the foreground, logs to standard error and writes no file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringx::proc {

class QuickServe {
 public:
    static bool takes(std::string_view option);
    static bool takes_value(std::string_view option);
    // Without the two dashes. The sentence that says what is wrong, or nothing.
    std::optional<std::string> set(std::string_view option, std::string_view value);

    // The configuration; `directory` is absolute.
    std::string configuration() const;
    std::string url() const;
    std::string_view root() const { return root_; }

 private:
    std::string address() const;
    std::string user_line() const;

    std::string listen_;
    std::string host_;
    uint16_t port_ = 0;
    std::string root_ = ".";
    std::string workers_ = "auto";
    std::string engine_ = "auto";
    std::string mode_ = "fast-path";
};

std::string_view quick_serve_usage();

}  // namespace ringx::proc

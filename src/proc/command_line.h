// proc/command_line.h - what the words after the program's name ask for.
//
// The letters are nginx's: they may be glued (-tq), and one that takes a value ends its cluster. Words that begin with
// two dashes belong to quick serve (proc/quick_serve.h), which needs no configuration file. Reading them touches
// nothing: what is wrong comes back as the sentence to print.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proc/quick_serve.h"

namespace ringx::proc {

struct CommandLine {
    enum class Signal : uint8_t { none, stop, quit, reload, reopen };

    bool version = false;
    bool build = false;       // -V
    bool help = false;
    bool test = false;
    bool dump = false;        // -T
    bool quiet = false;
    bool directives = false;  // --directives: the rows, for the man page and editors
    bool doctor = false;      // the first word
    Signal signal = Signal::none;
    std::optional<std::string> prefix;
    std::optional<std::string> conf_path;
    std::optional<std::string> error_log;
    std::string globals;
    std::optional<QuickServe> quick;

    // The arguments without the program's name, or why they are wrong: `option "-c" requires file name`.
    static std::expected<CommandLine, std::string> parse(std::span<const std::string_view> arguments);
};

// What -h prints below the version.
std::string usage();

}  // namespace ringx::proc

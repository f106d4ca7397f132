// modules/log/log_format.h - a compiled log_format: how a request becomes a line.
//
// A format is a list of literals and variables that are appended one after the other to the line; every variable is
// asked once. What clients sent is escaped so that a request is one line, whatever it holds.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/variables.h"

namespace ringx::http {

class LogFormat {
 public:
    enum class Escape : uint8_t {
        log,   // `"`, `\` and what is no ASCII text as \xHH; a variable without a value is `-`
        json,  // as the inside of a JSON string
        none,
    };

    struct Mistake {
        const conf::Word* word;
        std::string sentence;
    };

    // The words are one text.
    static std::expected<LogFormat, Mistake> compile(Arena& arena, VariableNames& names, Escape escape,
                                                     std::span<const conf::Word> words);
    static LogFormat combined(Arena& arena, VariableNames& names);

    void append_to(std::string& line, Request& request) const;

    // A line of which all is there but what is known when its request ends. It does without the format.
    class Begun {
     public:
        void append_to(std::string& line, Request& end) const;

     private:
        friend class LogFormat;
        struct Gap {
            size_t at;
            GetVariable get;
        };
        std::string text_;
        std::vector<Gap> gaps_;  // in order
        Escape escape_ = Escape::log;
    };
    Begun begin(Request& request) const;

 private:
    struct Part {
        std::string_view text;  // literal, when there is no variable
        const VariableUse* variable = nullptr;
    };

    static void append(std::string& line, Escape escape, const VariableValue& value);

    std::vector<Part> parts_;
    Escape escape_ = Escape::log;
};

}  // namespace ringx::http

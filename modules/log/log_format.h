// modules/log/log_format.h - a compiled log_format: how a request becomes a line.
//
// A format is a list of literals and variables that are appended one after the other to the line; every variable is
// asked once. What clients sent is escaped so that a request is one line, whatever it holds. Two formats are there
// without being declared: nginx's `combined`, and `json`, an object whose names and types never depend on the request.
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
    // How the value of a variable is written.
    enum class Form : uint8_t {
        log,   // `"`, `\` and what is no ASCII text as \xHH; a variable without a value is `-`
        json,  // as the inside of a JSON string
        none,  // as it is
        // Whole values of JSON, null when there is none.
        string,
        number,
        last_number,  // of what a variable of upstreams says of several tries
        tries,        // how many it speaks of
    };

    struct Mistake {
        const conf::Word* word;
        std::string sentence;
    };

    // The words are one text.
    static std::expected<LogFormat, Mistake> compile(Arena& arena, VariableNames& names, Form form,
                                                     std::span<const conf::Word> words);
    static LogFormat combined(Arena& arena, VariableNames& names);
    static LogFormat json(Arena& arena, VariableNames& names);

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
            Form form;
        };
        std::string text_;
        std::vector<Gap> gaps_;  // in order
    };
    Begun begin(Request& request) const;

 private:
    struct Part {
        std::string_view text;  // literal, when there is no variable
        const VariableUse* variable = nullptr;
        Form form = Form::log;
    };

    std::vector<Part> parts_;
};

}  // namespace ringx::http

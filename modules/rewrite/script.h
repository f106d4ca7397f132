// modules/rewrite/script.h - the directives of a block that change a request, as steps that run in their order.
//
// nginx's rewrite directives are a small program: a server has one and each location has its own. What stands in an
// `if` belongs to the program around it, and an `if` that does not hold skips it; one that holds in a location also
// puts its settings in place of the location's. Nothing is computed twice: a text is evaluated when its step runs.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "http/module.h"
#include "http/regex.h"
#include "http/site.h"

namespace ringx::http::rewrite {

struct Step {
    enum class Kind : uint8_t { if_set, if_equal, if_match, if_file, set, rewrite, answer, stop };

    Kind kind;
    const VariableUse* variable = nullptr;  // what is tested or assigned
    Template text = {};  // what it is compared with or becomes; a file's name; where a rewrite leads; a body
    std::shared_ptr<const Regex> regex = {};

    // Of the four kinds of if.
    bool negated = false;
    char file_test = 0;             // f, d, e or x
    uint32_t otherwise = 0;         // the step to go on with when it does not hold
    int location = -1;              // which of the location's `ifs` rules when it holds; -1: none, in a server

    // Of a rewrite, and the code and text of a return.
    uint16_t status = 0;            // of a redirect; 0: the URI changes
    bool has_text = false;
    bool has_args = false;          // the replacement has arguments: `args`, or in a redirect behind its `?`
    Template args = {};
    bool keeps_args = false;        // the request's arguments are appended
    bool ends = false;              // no step after it
    bool stays = false;             // `break`: the location is not chosen again
};

struct Script {
    std::vector<Step> steps;
};

// A walk through a script, which may have to wait for the file an `if` asks about.
class Run {
 public:
    Run(Request& request, const Script& script, bool logs)
        : request_(request), script_(script), location_(*request.location), logs_(logs) {}

    // Goes on to the end or an answer; or until waits().
    Answer go();
    // Takes what is at path(), and goes on.
    Answer go_on(const Result<FileRef>& found);

    // What is at path() cannot be told without waiting; there is no answer yet.
    bool waits() const { return waits_; }
    Request& request() const { return request_; }
    std::string_view path() const { return path_; }

 private:
    Answer take(const Step& step);
    void stop() { at_ = script_.steps.size(); }
    void decide(const Step& step, bool holds);
    void decide_by_file(const Result<FileRef>& found);
    bool matches(const Step& step, std::string_view subject);
    Answer rewrite(const Step& step);
    Answer redirect(const Step& step);
    std::string_view evaluate(const Template& text);

    Request& request_;
    const Script& script_;
    const Location& location_;  // whose script it is
    bool logs_;                 // rewrite_log
    size_t at_ = 0;
    std::string_view path_;
    bool waits_ = false;
    bool captures_are_quoted_ = true;  // nginx's way: until the first rewrite that matches
};

}  // namespace ringx::http::rewrite

// proc/journal.h - what the master has to say, and to whom.
//
// Everything goes to the log. Until the server is up, whoever started it looks at the terminal and not into a file, so
// what is a warning or worse is repeated there as `server: [level] message`. The same is collected for whoever asked
// for a reload.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "conf/mistake.h"

namespace ringx::proc {

class Journal {
 public:
    // REQUIRES: the log lives until another one is used.
    void use(const Log* log) { log_ = log; }

    // From now on standard error is left alone.
    void mark_started() { at_start_ = false; }

    // Warnings and worse are also collected, until they are taken.
    void collect() { collecting_ = true; }
    std::vector<conf::Mistake> take_collected() {
        collecting_ = false;
        return std::exchange(collected_, {});
    }

    template <typename... Args>
    void write(Level level, text::format_string<Args...> form, Args&&... args) {
        add(level, {}, text::format(form, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void write(Level level, Error error, text::format_string<Args...> form, Args&&... args) {
        add(level, error, text::format(form, std::forward<Args>(args)...));
    }

    // One line in the log; with source line and caret elsewhere.
    void report(const conf::Mistake& mistake);

 private:
    void add(Level level, Error error, std::string_view message);
    void repeat(const conf::Mistake& mistake);

    const Log* log_ = nullptr;
    bool at_start_ = true;
    bool collecting_ = false;
    std::vector<conf::Mistake> collected_;
};

// The text as it is, on that descriptor; who reads it may have gone.
void print(int fd, std::string_view text);
// One line, `server: TEXT`, on standard error.
void tell(std::string_view text);

// Makes standard error the first file of the log, if it has one: what libraries and failed CHECKs say is found there.
void redirect_standard_error(const Log& log);

}  // namespace ringx::proc

// base/recent_errors.h - the last lines of level error and above that any process has logged, in memory they share.
//
// The memory is a ring of slots. Who has a line draws a ticket, which names the next slot, marks the slot as being
// written, fills it, and marks it as whole. Nobody waits for anybody: a slot that a living process is about to fill is
// left to it, and one whose writer has died in the midst is taken from it. A reader copies a slot and believes the copy
// only if the mark was the same before and after, so that it never sees half of a line.
//
// It is mapped before the first fork and outlives every generation.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace ringx {

class RecentErrors {
 public:
    static constexpr size_t lines_max = 128;
    static constexpr size_t text_bytes_max = 2048;  // as long as a line of the log

    struct Line {
        uint64_t number;    // later lines have larger ones, not always the next
        uint64_t time_us;   // since 1970
        Level level;
        pid_t pid;
        std::optional<unsigned> worker;  // none: the master
        std::string text;   // without time, level and process; any bytes, since clients may have a say in it
    };

    // Who is forked from now on shares it.
    static Result<std::unique_ptr<RecentErrors>> create();
    RecentErrors(const RecentErrors&) = delete;
    RecentErrors& operator=(const RecentErrors&) = delete;
    ~RecentErrors();

    static bool wants(Level level) { return level <= Level::error; }

    // From now on lines of this process are this worker's.
    void speak_as(unsigned worker) { worker_ = worker; }
    // From any thread. What is longer is cut off; when others are in the way of several attempts, the line is lost.
    void add(Level level, std::string_view text);

    // What is whole just now, oldest first.
    std::vector<Line> read() const;

 private:
    struct Slot;
    struct Ring;

    explicit RecentErrors(void* memory) : ring_(static_cast<Ring*>(memory)) {}
    static std::optional<Line> read(const Slot& slot);

    Ring* ring_;
    std::optional<unsigned> worker_;
};

}  // namespace ringx

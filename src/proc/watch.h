// proc/watch.h - calling back whenever a descriptor has something to read.
//
// For a process's own affairs, its signals and its master's messages; connections have operations of their own.
#pragma once

#include <functional>
#include <utility>

#include "event/loop.h"

namespace ringx::proc {

// Stop it and let the loop turn until it is idle before it goes.
class Watch final : public Operation {
 public:
    // `read_all` reads until EAGAIN, and may stop the watch.
    Watch(Loop& loop, int descriptor, std::function<void()> read_all) : loop_(loop), read_all_(std::move(read_all)) {
        kind = Kind::poll;
        fd = descriptor;
    }

    void start() { look(); }
    void stop() {
        stopped_ = true;
        loop_.engine().cancel(*this);
    }
    bool idle() const { return stopped_ && !in_flight(); }

 private:
    void complete(Outcome) override { look(); }

    void look() {
        if (!stopped_) read_all_();
        if (stopped_) return;
        events = POLLIN;
        loop_.engine().start(*this);
    }

    Loop& loop_;
    std::function<void()> read_all_;
    bool stopped_ = false;
};

}  // namespace ringx::proc

// bench/pacer.h - wakes the loop when the next request of an open loop is due.
//
// The timers of the loop are exact to a millisecond, which would be most of what a fast server takes; this one is the
// kernel's, and exact to some microseconds.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "event/loop.h"
#include "event/operation.h"

namespace ringx::bench {

class Pacer : private Operation {
 public:
    // `wake` is called each time.
    Pacer(Loop& loop, void (*wake)(void*), void* context) : loop_(loop), wake_(wake), context_(context) {}
    ~Pacer() override;

    Result<> open();
    // Wakes once, at this time of the monotonic clock, or soon when it has passed. Without effect while an earlier call
    // has yet to wake: times only grow.
    void wake_at(uint64_t at_us);
    void end();
    bool at_rest() const { return !in_flight(); }

 private:
    void complete(Outcome outcome) override;

    Loop& loop_;
    void (*wake_)(void*);
    void* context_;
};

}  // namespace ringx::bench

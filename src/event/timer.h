// event/timer.h - timeouts, thousands of them, in a wheel.
//
// A timer that is set again later than it already waits for is not moved: it fires early inside the wheel, finds that
// its time has not come and goes back. So the timeout that every request prolongs costs one store. Resolution is one
// millisecond; a timer never fires early, as its owner sees it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/list.h"

namespace ringx {

class Timer : public ListNode {
 public:
    virtual ~Timer() = default;
    // When it fires, in milliseconds of the monotonic clock; meaningful while it is set.
    uint64_t deadline_ms() const { return deadline_ms_; }
    bool set() const { return linked() && armed_; }

 protected:
    // The time has come; the timer is no longer set, and may be set again or destroyed.
    virtual void expire() = 0;

 private:
    friend class TimerWheel;
    uint64_t deadline_ms_ = 0;
    uint64_t slot_ms_ = 0;  // where it waits in the wheel
    bool armed_ = false;
};

class TimerWheel {
 public:
    explicit TimerWheel(uint64_t now_ms);

    // (Re)sets the timer to fire at `deadline_ms` (in the past: at the next expire()).
    void set(Timer& timer, uint64_t deadline_ms);
    void stop(Timer& timer) { timer.armed_ = false; }  // it leaves the wheel when its slot comes, or with its owner

    // When expire() must be called next; none when no timer waits. May be earlier than any deadline.
    std::optional<uint64_t> next_ms() const;

    // Fires all timers whose time has come.
    void expire(uint64_t now_ms);

 private:
    static constexpr unsigned level_bits = 6;
    static constexpr unsigned slots_per_level = 1u << level_bits;
    static constexpr unsigned levels = 7;  // 64^7 ms: no uptime is so long

    struct Slot {
        unsigned level;
        unsigned index;
        uint64_t begins_ms;
    };

    std::optional<Slot> next_slot() const;
    void insert(Timer& timer, uint64_t at_ms);

    List<Timer> slots_[levels][slots_per_level];
    uint64_t occupied_[levels] = {};  // a bit for each slot that may hold timers
    uint64_t now_ms_;
};

}  // namespace ringx

// bench/schedule.h - when the requests of an open loop are due.
//
// They have a fixed rate, whatever became of those before: each has its time, and its latency counts from that time. So
// a server that stops for a while is charged for every request it kept waiting, not only for the one it was asked
// ("coordinated omission"). Several threads share a rate: each has every n-th of its requests.
#pragma once

#include <cstdint>
#include <limits>

namespace ringx::bench {

class Schedule {
 public:
    static constexpr uint64_t never = std::numeric_limits<uint64_t>::max();

    struct Share {
        uint32_t index = 0;  // of these threads
        uint32_t of = 1;
    };

    // Nothing is ever due.
    Schedule() = default;
    // `per_second` requests from `start_us` on, before `end_us`, and no more than `count` of all threads.
    Schedule(double per_second, Share share, uint64_t start_us, uint64_t end_us, uint64_t count)
        : interval_us_(1e6 / per_second),
          start_us_(start_us),
          end_us_(end_us),
          count_(count),
          number_(share.index),
          stride_(share.of) {}

    // When the next is due; never: there is none any more.
    uint64_t next_us() const {
        if (number_ >= count_) return never;
        uint64_t at = start_us_ + static_cast<uint64_t>(static_cast<double>(number_) * interval_us_);
        return at < end_us_ ? at : never;
    }
    bool is_over() const { return next_us() == never; }
    bool is_due(uint64_t now_us) const { return next_us() <= now_us; }
    // The next one is taken care of.
    void take() { number_ += stride_; }
    // None is due from this time on.
    void end(uint64_t at_us) {
        if (at_us < end_us_) end_us_ = at_us;
    }

 private:
    double interval_us_ = 0;
    uint64_t start_us_ = 0;
    uint64_t end_us_ = 0;
    uint64_t count_ = 0;
    uint64_t number_ = 0;  // of the next, among those of all threads
    uint64_t stride_ = 1;
};

}  // namespace ringx::bench

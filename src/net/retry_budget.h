// net/retry_budget.h - how many retries servers are asked to bear: a share of the requests, over the last ten seconds.
//
// When servers fail because they have too much to do, retries are what keeps them from recovering. So these are counted
// beside the requests, in a window of seconds that moves on; what is over the share is refused, but for a few in each
// second, so that a group with little to do has them, too. Times are milliseconds of the monotonic clock.
#pragma once

#include <array>
#include <cstdint>

namespace ringx {

class RetryBudget {
 public:
    static constexpr uint64_t window_seconds = 10;

    struct Rules {
        uint32_t percent = 0;    // of the requests
        uint32_t always_min = 3;  // in each second, whatever the share
    };

    void note_request(uint64_t now_ms) { ++at(now_ms).requests; }

    // Whether one more is allowed; it is counted then.
    bool take(Rules rules, uint64_t now_ms) {
        Second& now = at(now_ms);
        uint64_t requests = 0, retries = 0;
        for (const Second& second : seconds_) {
            if (second.number + window_seconds <= now.number) continue;
            requests += second.requests;
            retries += second.retries;
        }
        bool is_allowed = now.retries < rules.always_min || (retries + 1) * 100 <= requests * rules.percent;
        now.retries += is_allowed;
        return is_allowed;
    }

    // Whether the log is to be told that one was refused: once in a window.
    bool wants_to_tell(uint64_t now_ms) {
        if (told_ms_ != 0 && now_ms < told_ms_ + window_seconds * 1000) return false;
        told_ms_ = now_ms;
        return true;
    }

 private:
    struct Second {
        uint64_t number = 0;  // of the clock
        uint64_t requests = 0;
        uint64_t retries = 0;
    };

    Second& at(uint64_t now_ms) {
        uint64_t number = now_ms / 1000;
        Second& second = seconds_[number % window_seconds];
        if (second.number != number) second = {.number = number};
        return second;
    }

    std::array<Second, window_seconds> seconds_;
    uint64_t told_ms_ = 0;
};

}  // namespace ringx

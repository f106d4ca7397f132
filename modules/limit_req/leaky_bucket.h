// modules/limit_req/leaky_bucket.h - nginx's arithmetic of limit_req: how far a key is ahead of its rate.
//
// A bucket leaks at the zone's rate and gets one more request each time; what is in it is the excess, in thousandths of
// a request. All times are milliseconds of the clock that workers share. Whoever knows these functions knows when which
// request passes: nothing here reads a clock or waits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace ringx::http {

struct LeakyBucket {
    int64_t excess;    // after the latest request that was accounted
    uint64_t last_ms;  // when that was

    // Milliseconds since then. The clock of another worker may be behind by a little; much behind means that the last
    // time makes no sense.
    int64_t passed_ms(uint64_t now_ms) const {
        auto passed = static_cast<int64_t>(now_ms - last_ms);
        if (passed < -60'000) return 1;
        return std::max<int64_t>(passed, 0);
    }
    // With one request more. `rate` is in thousandths of a request a second.
    int64_t excess_with_one(uint64_t now_ms, int64_t rate) const {
        return std::max<int64_t>(excess - rate * passed_ms(now_ms) / 1000 + 1000, 0);
    }
    void account(uint64_t now_ms, int64_t with_one) {
        excess = with_one;
        if (passed_ms(now_ms) > 0) last_ms = now_ms;
    }
    // It was not used for long, and is empty by now: forgetting it changes nothing.
    bool forgettable(uint64_t now_ms, int64_t rate) const {
        auto passed = static_cast<int64_t>(now_ms - last_ms);
        if (passed < 0) passed = -passed;
        return passed >= 60'000 && excess - rate * passed / 1000 <= 0;
    }
};

// How long a request waits that is so far ahead; `allowed` may be ahead without waiting.
inline uint64_t delay_ms(int64_t excess, int64_t allowed, int64_t rate) {
    return excess <= allowed ? 0 : static_cast<uint64_t>((excess - allowed) * 1000 / rate);
}

inline constexpr int64_t never_delayed = std::numeric_limits<int64_t>::max();

}  // namespace ringx::http

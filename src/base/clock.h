// base/clock.h - the time, read once per turn of the loop, and its printed forms, made once per second.
//
// Everything that happens in one turn happens at one time. Durations are measured with the monotonic clock and times of
// day with the wall clock; a change of the wall clock moves no timeout.
#pragma once

#include <sys/time.h>

#include <cstdint>
#include <string_view>

namespace ringx {

class Clock {
 public:
    Clock() { refresh(); }

    // Reads both clocks.
    void refresh();
    // Reads the monotonic clock, in microseconds, for what has to be known more exactly than to a turn.
    static uint64_t read_us();

    // Milliseconds of the monotonic clock.
    uint64_t now_ms() const { return monotonic_us_ / 1000; }
    // Microseconds of the monotonic clock.
    uint64_t now_us() const { return monotonic_us_; }

    // Seconds since 1970.
    time_t seconds() const { return wall_.tv_sec; }
    // Microseconds within that second.
    uint32_t microseconds() const { return static_cast<uint32_t>(wall_.tv_usec); }

    // "Sat, 21 Nov 2026 02:51:35 GMT": IMF-fixdate (RFC 9110 section 5.6.7).
    std::string_view http_date() const { return {http_date_, 29}; }
    // "21/Nov/2026:02:51:35 +0000": local time, as in access logs.
    std::string_view log_time() const { return {log_time_, 26}; }
    // "2026/11/21 02:51:35": local time, as in error logs.
    std::string_view error_log_time() const { return {error_log_time_, 19}; }
    // "2026-11-21T02:51:35+00:00": local time.
    std::string_view iso8601() const { return {iso8601_, 25}; }

 private:
    void print();

    uint64_t monotonic_us_ = 0;
    timeval wall_{};
    time_t printed_ = -1;
    char http_date_[32];
    char log_time_[32];
    char error_log_time_[32];
    char iso8601_[32];
};

}  // namespace ringx

// bench/series.h - how a run went over time: what had been counted at each of many moments.
//
// There are never more than a plot can show: when there would be, every second one goes, and those to come are twice as
// far apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ringx::bench {

class Series {
 public:
    static constexpr size_t points_max = 600;
    static constexpr uint64_t interval_us_min = 100'000;

    // All since the run began.
    struct Point {
        uint64_t at_us = 0;
        uint64_t answers = 0;
        uint64_t failures = 0;
        uint64_t bytes_in = 0;
    };

    // When the next point is wanted.
    uint64_t next_us() const { return (points_.empty() ? 0 : points_.back().at_us) + interval_us_; }
    void add(const Point& point);
    std::span<const Point> points() const { return points_; }

 private:
    uint64_t interval_us_ = interval_us_min;
    std::vector<Point> points_;
};

}  // namespace ringx::bench

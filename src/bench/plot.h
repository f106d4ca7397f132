// bench/plot.h - a picture of runs as SVG: latencies by percentile, and requests a second over time.
//
// Percentiles are drawn the further apart the closer they come to all of the requests, as that is where servers differ;
// latencies are drawn by their powers of ten.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"
#include "bench/series.h"

namespace ringx::bench {

// One line in each of the two parts.
struct Curve {
    std::string name;
    const Histogram* latency_us;
    uint64_t latency_max_us;
    std::span<const Series::Point> points;
};

std::string plot(std::string_view title, std::span<const Curve> curves);

}  // namespace ringx::bench

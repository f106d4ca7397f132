// bench/quantiles.h - the parts of all latencies that are shown, in all forms of a report alike.
//
// A histogram knows values to within 1.6 %; the greatest is known exactly, and none of the others is shown above it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/histogram.h"

namespace ringx::bench {

struct Quantile {
    std::string_view name;
    double part;
};

inline constexpr std::array<Quantile, 5> quantiles = {
    {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p99.9", 0.999}}};

inline uint64_t quantile_us(const Histogram& histogram, double part, uint64_t max_us) {
    return std::min(histogram.quantile(part), max_us);
}

}  // namespace ringx::bench

// bench/statistics.h - what several runs say together: their middle, and how far they lie apart.
//
// A middle is the median, which one run gone wrong does not move.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

namespace ringx::bench {

struct Summary {
    double median = 0;
    double least = 0;
    double most = 0;

    // Of no values: zeroes.
    static Summary of(std::span<const double> values) {
        if (values.empty()) return {};
        std::vector<double> sorted(values.begin(), values.end());
        std::ranges::sort(sorted);
        size_t middle = sorted.size() / 2;
        double median = sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return {median, sorted.front(), sorted.back()};
    }
};

// Of each pair, the first divided by the second. Pairs whose second is nothing have no ratio.
inline Summary ratios(std::span<const double> a, std::span<const double> b) {
    std::vector<double> all;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        if (b[i] > 0) all.push_back(a[i] / b[i]);
    }
    return Summary::of(all);
}

}  // namespace ringx::bench

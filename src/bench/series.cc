#include "bench/series.h"

namespace ringx::bench {

void Series::add(const Point& point) {
    points_.push_back(point);
    if (points_.size() < points_max) return;
    for (size_t i = 0; i < points_max / 2; ++i) points_[i] = points_[2 * i + 1];
    points_.resize(points_max / 2);
    interval_us_ *= 2;
}

}  // namespace ringx::bench

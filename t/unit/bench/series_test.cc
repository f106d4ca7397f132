// series_test.cc - points over time: no more than a plot can show, however long a run is.
//
// Points are added when they are due, as a run does.
#include "bench/series.h"

#include <gtest/gtest.h>

using ringx::bench::Series;

TEST(Series, a_long_run_has_points_that_are_farther_apart) {
    Series series;
    for (int i = 1; i <= 5000; ++i) {
        uint64_t at = series.next_us();
        series.add({.at_us = at, .answers = at / 1000});
    }
    auto points = series.points();
    EXPECT_LE(points.size(), Series::points_max);
    EXPECT_GE(points.size(), Series::points_max / 2);
    for (size_t i = 1; i < points.size(); ++i) {
        EXPECT_EQ(points[i].at_us - points[i - 1].at_us, points[1].at_us - points[0].at_us);
        EXPECT_EQ(points[i].answers, points[i].at_us / 1000);
    }
}

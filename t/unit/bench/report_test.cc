// report_test.cc - how durations, volumes and numbers are written for people.
//
// Whole reports are tested with whole runs.
#include "bench/report.h"

#include <gtest/gtest.h>

#include "bench/progress.h"

using namespace ringx::bench;

TEST(BenchReport, durations_have_the_unit_that_fits) {
    struct {
        uint64_t us;
        std::string_view want;
    } cases[] = {
        {0, "0 us"}, {999, "999 us"}, {1000, "1.00 ms"}, {9994, "9.99 ms"}, {12345, "12.3 ms"}, {123456, "123 ms"},
        {999999, "999 ms"}, {1'000'000, "1.00 s"}, {61'500'000, "61.50 s"},
    };
    for (auto& c : cases) EXPECT_EQ(duration_text(c.us), c.want);
}

TEST(BenchReport, volumes_have_the_unit_that_fits) {
    EXPECT_EQ(bytes_text(0), "0 B");
    EXPECT_EQ(bytes_text(999), "999 B");
    EXPECT_EQ(bytes_text(1500), "1.50 KB");
    EXPECT_EQ(bytes_text(2.5e12), "2.50 TB");
    EXPECT_EQ(bytes_text(2.5e16), "25000.00 TB");
}

TEST(BenchReport, thousands_are_separated) {
    EXPECT_EQ(with_commas(0), "0");
    EXPECT_EQ(with_commas(999), "999");
    EXPECT_EQ(with_commas(1000), "1,000");
    EXPECT_EQ(with_commas(1234567), "1,234,567");
}

TEST(BenchReport, what_is_left_follows_from_the_clock_or_from_the_count) {
    Options options;
    options.duration = std::chrono::seconds(10);
    EXPECT_DOUBLE_EQ(seconds_left(options, {.at_us = 4'000'000}), 6);
    EXPECT_DOUBLE_EQ(seconds_left(options, {.at_us = 11'000'000}), 0);
    options.requests = 100;
    options.connections = 10;
    EXPECT_DOUBLE_EQ(seconds_left(options, {.at_us = 2'000'000, .answers = 400, .failures = 100}), 2);
    EXPECT_DOUBLE_EQ(seconds_left(options, {.at_us = 2'000'000}), 0);
}

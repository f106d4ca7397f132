// statistics_test.cc - medians, spreads and ratios of few values.
//
// Also the quantiles of a histogram, which no value lies above.
#include "bench/statistics.h"

#include <gtest/gtest.h>

#include "bench/quantiles.h"
#include "bench/tally.h"

using namespace ringx::bench;

namespace {

void expect(const Summary& summary, double least, double median, double most) {
    EXPECT_DOUBLE_EQ(summary.least, least);
    EXPECT_DOUBLE_EQ(summary.median, median);
    EXPECT_DOUBLE_EQ(summary.most, most);
}

TEST(Summary, the_median_is_in_the_middle_of_few_values) {
    expect(Summary::of({}), 0, 0, 0);
    expect(Summary::of(std::vector<double>{7}), 7, 7, 7);
    expect(Summary::of(std::vector<double>{9, 1}), 1, 5, 9);
    expect(Summary::of(std::vector<double>{100, 2, 1}), 1, 2, 100);
}

TEST(Summary, ratios_are_those_of_pairs) {
    expect(ratios(std::vector<double>{10, 30, 8}, std::vector<double>{10, 10, 4}), 1, 2, 3);
    expect(ratios(std::vector<double>{10, 30}, std::vector<double>{0, 10}), 3, 3, 3);
    expect(ratios(std::vector<double>{1}, std::vector<double>{0}), 0, 0, 0);
}

TEST(Quantiles, none_is_above_the_greatest_value) {
    Tally tally;
    for (uint64_t value : {2048u, 2049u, 2050u}) tally.answered(200, value);
    EXPECT_GT(tally.latency_us.quantile(1), 2050u);  // the middle of the range they are counted in
    EXPECT_EQ(quantile_us(tally.latency_us, 1, tally.latency_max_us.value()), 2050u);
}

TEST(Tally, sums_are_those_of_all_threads) {
    Tally one, other, sum;
    one.answered(200, 10);
    one.failed(Failure::cut, "first");
    one.served(7);
    other.answered(404, 30);
    other.failed(Failure::cut, "second");
    other.failed(Failure::timeout, "third");
    other.unsent.add(5);
    other.last_us.set(99);
    sum.add(one);
    sum.add(other);
    EXPECT_EQ(sum.answers.value(), 2u);
    EXPECT_EQ(sum.failures.value(), 3u);
    EXPECT_EQ(sum.count(Failure::cut), 2u);
    EXPECT_EQ(sum.count(Failure::timeout), 1u);
    EXPECT_EQ(sum.by_status[404].value(), 1u);
    EXPECT_EQ(sum.latency_max_us.value(), 30u);
    EXPECT_EQ(sum.service_max_us.value(), 7u);
    EXPECT_EQ(sum.latency_us.count(), 2u);
    EXPECT_EQ(sum.unsent.value(), 5u);
    EXPECT_EQ(sum.last_us.value(), 99u);
    EXPECT_EQ(sum.examples[static_cast<size_t>(Failure::cut)], "first");
}

}  // namespace

// t/unit/base/histogram_test.cc - what is counted is found again, to within the width of a step.
//
// The sum of all, and quantiles of large samples against those of the sorted values.
#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

namespace ringx {
namespace {

std::vector<uint64_t> up_to(const Histogram& histogram, std::vector<uint64_t> bounds) {
    std::vector<uint64_t> counts(bounds.size(), 99);
    histogram.count_up_to(bounds, counts);
    return counts;
}

// Whatever it is, a value is reported as one within 1.6 %.
TEST(Histogram, AStepIsNeverWide) {
    for (uint64_t value = 0; value <= Histogram::value_max; value += value / 100 + 1) {
        unsigned step = Histogram::step_of(value);
        ASSERT_LT(step, Histogram::steps_per_octave * Histogram::octaves);
        double off = std::abs(static_cast<double>(Histogram::middle_of(step)) - static_cast<double>(value));
        ASSERT_LE(off, 0.016 * static_cast<double>(value)) << value;
    }
}

TEST(Histogram, StepsFollowEachOther) {
    for (uint64_t value = 1; value < 1 << 20; ++value) {
        unsigned before = Histogram::step_of(value - 1), here = Histogram::step_of(value);
        ASSERT_TRUE(here == before || here == before + 1) << value;
        ASSERT_EQ(Histogram::step_of(Histogram::middle_of(here)), here) << value;
    }
}

TEST(Histogram, WhatIsTooLargeIsInTheLastStep) {
    EXPECT_EQ(Histogram::step_of(UINT64_MAX), Histogram::step_of(Histogram::value_max));
    Histogram histogram;
    histogram.add(UINT64_MAX);
    EXPECT_EQ(histogram.count(), 1u);
    EXPECT_NEAR(static_cast<double>(histogram.quantile(1)), 4.29e9, 0.07e9);
}

TEST(Histogram, NothingHasNoQuantile) {
    Histogram histogram;
    EXPECT_EQ(histogram.quantile(0.5), 0u);
    EXPECT_EQ(histogram.count(), 0u);
    EXPECT_EQ(up_to(histogram, {1, 1000}), (std::vector<uint64_t>{0, 0}));
}

TEST(Histogram, SmallValuesAreExact) {
    Histogram histogram;
    for (uint64_t value = 1; value <= 20; ++value) histogram.add(value);
    EXPECT_EQ(histogram.quantile(0), 1u);
    EXPECT_EQ(histogram.quantile(0.5), 10u);
    EXPECT_EQ(histogram.quantile(0.95), 19u);
    EXPECT_EQ(histogram.quantile(1), 20u);
    EXPECT_EQ(up_to(histogram, {0, 5, 5, 40}), (std::vector<uint64_t>{0, 5, 5, 20}));
    EXPECT_EQ(histogram.sum(), 210u);
}

TEST(Histogram, SumsAreOfAll) {
    Histogram one, other;
    one.add(10);
    other.add(1000);
    other.add(100'000);
    one.add(other);
    EXPECT_EQ(one.count(), 3u);
    EXPECT_EQ(one.sum(), 101'010u);
    EXPECT_EQ(up_to(one, {9, 11, 1100, 200'000}), (std::vector<uint64_t>{0, 1, 2, 3}));
}

// Quantiles against those of the sorted samples.
void compare(const std::vector<uint64_t>& samples, const char* what) {
    auto histogram = std::make_unique<Histogram>();
    for (uint64_t sample : samples) histogram->add(sample);
    std::vector<uint64_t> sorted = samples;
    std::ranges::sort(sorted);
    ASSERT_EQ(histogram->count(), samples.size());
    for (double part : {0.5, 0.95, 0.99, 0.999}) {
        auto rank = static_cast<size_t>(std::ceil(part * static_cast<double>(sorted.size())));
        auto exact = static_cast<double>(sorted[rank - 1]);
        EXPECT_NEAR(static_cast<double>(histogram->quantile(part)), exact, 0.03 * exact) << what << " " << part;
    }
}

TEST(Histogram, QuantilesOfAMillionSamplesAreWithinThreePercent) {
    std::mt19937_64 random(7);
    std::vector<uint64_t> samples(1'000'000);
    std::uniform_real_distribution<double> even(50, 50'000);
    std::ranges::generate(samples, [&] { return static_cast<uint64_t>(even(random)); });
    compare(samples, "uniform");
    std::exponential_distribution<double> rare(1.0 / 800);
    std::ranges::generate(samples, [&] { return static_cast<uint64_t>(rare(random)); });
    compare(samples, "exponential");
    std::lognormal_distribution<double> long_tailed(7, 1.5);
    std::ranges::generate(samples, [&] { return static_cast<uint64_t>(long_tailed(random)); });
    compare(samples, "lognormal");
}

}  // namespace
}  // namespace ringx

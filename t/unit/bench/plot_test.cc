// plot_test.cc - pictures of runs, also of such that nothing can be seen in.
//
// What they look like to a reader of XML is tested with whole runs.
#include "bench/plot.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace ringx;
using namespace ringx::bench;

namespace {

size_t count_of(std::string_view text, std::string_view part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
    return count;
}

TEST(Plot, a_run_without_answers_is_drawn_empty) {
    Histogram none;
    Curve curve{"nothing", &none, 0, {}};
    std::string picture = plot("title", {&curve, 1});
    EXPECT_EQ(count_of(picture, "<polyline"), 2u);
    EXPECT_EQ(count_of(picture, "nan"), 0u);
    EXPECT_EQ(count_of(picture, "inf"), 0u);
}

TEST(Plot, a_single_answer_is_enough) {
    Histogram one;
    one.add(0);
    std::vector<Series::Point> points{{.at_us = 100'000, .answers = 1}};
    Curve curve{"one", &one, 0, points};
    std::string picture = plot("title", {&curve, 1});
    EXPECT_EQ(count_of(picture, "nan"), 0u);
    EXPECT_EQ(count_of(picture, "inf"), 0u);
}

TEST(Plot, names_are_text_and_no_markup) {
    Histogram none;
    Curve curve{"<a&\"b\">", &none, 0, {}};
    std::string picture = plot("1 < 2 & 3", {&curve, 1});
    EXPECT_EQ(count_of(picture, "&lt;a&amp;&quot;b&quot;&gt;"), 1u);
    EXPECT_EQ(count_of(picture, "1 &lt; 2 &amp; 3"), 1u);
}

TEST(Plot, long_tails_and_fast_rates_have_few_ticks) {
    Histogram histogram;
    for (uint64_t us = 1; us < 4'000'000'000u; us *= 3) histogram.add(us);
    std::vector<Series::Point> points;
    for (uint64_t i = 1; i <= 600; ++i) points.push_back({.at_us = i * 100'000, .answers = i * 123'456});
    Curve curve{"wide", &histogram, 4'000'000'000u, points};
    std::string picture = plot("title", {&curve, 1});
    EXPECT_LT(count_of(picture, "<line"), 40u);
    EXPECT_GT(count_of(picture, "<line"), 15u);
}

}  // namespace

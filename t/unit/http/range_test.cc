// range_test.cc - which ranges a Range field names in bodies of several sizes.
//
// The expected answers are nginx's, also where RFC 9110 would rather ignore a broken field.
#include "http/range.h"

#include <gtest/gtest.h>

#include <string>

namespace ringx::http {
namespace {

constexpr uint32_t unlimited = UINT32_MAX;

TEST(ParseRanges, answers_as_nginx_does) {
    using enum Ranges;
    struct { std::string_view value; uint64_t size; Ranges want; std::vector<ByteRange> ranges; } cases[] = {
        {"bytes=0-0", 100, some, {{0, 0}}},
        {"bytes=0-99", 100, some, {{0, 99}}},
        {"bytes=0-", 100, some, {{0, 99}}},
        {"bytes=10-", 100, some, {{10, 99}}},
        {"bytes=10-1000", 100, some, {{10, 99}}},
        {"bytes=99-99", 100, some, {{99, 99}}},
        {"bytes=-1", 100, some, {{99, 99}}},
        {"bytes=-100", 100, some, {{0, 99}}},
        {"bytes=-101", 100, some, {{0, 99}}},
        {"BYTES=0-1", 100, some, {{0, 1}}},
        {"bytes= 0 - 1 , 5 - ", 100, some, {{0, 1}, {5, 99}}},
        {"bytes=0-0,2-2,-1", 100, some, {{0, 0}, {2, 2}, {99, 99}}},
        {"bytes=5-6,0-1", 100, some, {{5, 6}, {0, 1}}},
        {"bytes=0-0,200-300", 100, some, {{0, 0}}},
        {"bytes=200-300,0-0", 100, some, {{0, 0}}},
        {"bytes=0-49,50-99", 100, some, {{0, 49}, {50, 99}}},
        {"bytes=0-9223372036854775807", 100, some, {{0, 99}}},
        {"bytes=5-9223372036854775807", INT64_MAX, some, {{5, INT64_MAX - 1}}},
        {"bytes=100-", 100, unsatisfiable, {}},
        {"bytes=100-200", 100, unsatisfiable, {}},
        {"bytes=-0", 100, unsatisfiable, {}},
        {"bytes=5-4", 100, unsatisfiable, {}},
        {"bytes=5-", 0, unsatisfiable, {}},
        {"bytes=0-", 0, ignore, {}},
        {"bytes=-5", 0, ignore, {}},
        {"bytes=0-50,50-99", 100, ignore, {}},
        {"bytes=0-,0-", 100, ignore, {}},
        {"bytes=-", 100, unsatisfiable, {}},
        {"bytes=a", 100, unsatisfiable, {}},
        {"bytes=0", 100, unsatisfiable, {}},
        {"bytes=0-1,", 100, unsatisfiable, {}},
        {"bytes=,0-1", 100, unsatisfiable, {}},
        {"bytes=0-1;2-3", 100, unsatisfiable, {}},
        {"bytes=0--1", 100, unsatisfiable, {}},
        {"bytes=--1", 100, unsatisfiable, {}},
        {"bytes=- 1", 100, unsatisfiable, {}},
        {"bytes=+0-1", 100, unsatisfiable, {}},
        {"bytes=0x0-1", 100, unsatisfiable, {}},
        {"bytes=\t0-1", 100, unsatisfiable, {}},
        {"bytes=9223372036854775808-", 100, unsatisfiable, {}},
        {"bytes=0-9223372036854775808", 100, unsatisfiable, {}},
        {"bytes=0-18446744073709551616", 100, unsatisfiable, {}},
        {"bytes=-9223372036854775808", 100, unsatisfiable, {}},
        {"bytes=", 100, ignore, {}},
        {"bytes", 100, ignore, {}},
        {"", 100, ignore, {}},
        {"bytes =0-1", 100, ignore, {}},
        {"items=0-1", 100, ignore, {}},
    };
    std::vector<ByteRange> ranges = {{7, 7}};
    for (auto& c : cases) {
        EXPECT_EQ(parse_ranges(c.value, c.size, unlimited, ranges), c.want) << c.value << " of " << c.size;
        EXPECT_EQ(ranges, c.ranges) << c.value << " of " << c.size;
    }
}

TEST(ParseRanges, gives_up_beyond_max_ranges) {
    std::vector<ByteRange> ranges;
    EXPECT_EQ(parse_ranges("bytes=0-0", 100, 0, ranges), Ranges::ignore);
    EXPECT_EQ(parse_ranges("bytes=0-0", 100, 1, ranges), Ranges::some);
    EXPECT_EQ(parse_ranges("bytes=0-0,2-2", 100, 1, ranges), Ranges::ignore);
    EXPECT_TRUE(ranges.empty());
    EXPECT_EQ(parse_ranges("bytes=0-0,2-2", 100, 2, ranges), Ranges::some);
    EXPECT_EQ(parse_ranges("bytes=0-0,200-300", 100, 1, ranges), Ranges::some);

    std::string flood = "bytes=0-0";
    for (uint32_t i = 1; i < ranges_max; ++i) flood += ",0-0";
    EXPECT_EQ(parse_ranges(flood, 1 << 20, unlimited, ranges), Ranges::some);
    EXPECT_EQ(ranges.size(), ranges_max);
    EXPECT_EQ(parse_ranges(flood + ",0-0", 1 << 20, unlimited, ranges), Ranges::ignore);
}

}  // namespace
}  // namespace ringx::http

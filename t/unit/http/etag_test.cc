// etag_test.cc - which lists of entity tags name a tag, weakly and strongly.
//
// A row says what both comparisons must answer, by the table of RFC 9110 section 8.8.3.2.
#include "http/etag.h"

#include <gtest/gtest.h>

namespace ringx::http {
namespace {

TEST(MatchesEtag, compares_weakly_and_strongly) {
    struct { std::string_view list, etag; bool weak, strong; } cases[] = {
        {"\"1\"", "\"1\"", true, true},
        {"\"1\"", "\"2\"", false, false},
        {"W/\"1\"", "W/\"1\"", true, false},
        {"W/\"1\"", "W/\"2\"", false, false},
        {"W/\"1\"", "\"1\"", true, false},
        {"\"1\"", "W/\"1\"", true, false},
        {"*", "\"1\"", true, true},
        {"*", "W/\"1\"", true, true},
        {"*", "", true, true},
        {"\"1\"", "", false, false},
        {"", "\"1\"", false, false},
        {"", "", false, false},
        {"\"a\", \"b\",\"c\"", "\"b\"", true, true},
        {"\"a\",\"b\" , \"c\"", "\"c\"", true, true},
        {"\"a\"\t,\t\"b\"", "\"b\"", true, true},
        {",, \"a\",", "\"a\"", true, true},
        {"W/\"a\", \"b\", W/\"c\"", "\"c\"", true, false},
        {"\"a,b\"", "\"a,b\"", true, true},
        {"\"x,\"1\",y\"", "\"1\"", false, false},
        {"\"a, \"", "\"a\"", false, false},
        {"\"1\"x", "\"1\"", false, false},
        {"\"1\" \"2\"", "\"2\"", false, false},
        {"\"1\" \"2\", \"3\"", "\"3\"", true, true},
        {"1", "\"1\"", false, false},
        {"1, \"1\"", "\"1\"", true, true},
        {"w/\"1\"", "\"1\"", false, false},
        {"W/1", "\"1\"", false, false},
        {"\"1", "\"1\"", false, false},
        {"\"", "\"1\"", false, false},
        {"\"\"", "\"\"", true, true},
        {"\"1\", *", "\"2\"", false, false},
        {"\"1\"", "\"11\"", false, false},
        {"\"11\"", "\"1\"", false, false},
        {"\"1\"", "1", false, false},
        {"\"1\"", "\"1\"x", false, false},
    };
    for (auto& c : cases) {
        EXPECT_EQ(matches_etag(c.list, c.etag, EtagMatch::weak), c.weak) << c.list << " and " << c.etag;
        EXPECT_EQ(matches_etag(c.list, c.etag, EtagMatch::strong), c.strong) << c.list << " and " << c.etag;
    }
}

TEST(MatchesIfRange, wants_the_strong_tag_or_the_exact_date) {
    constexpr std::string_view date = "Sun, 06 Nov 1994 08:49:37 GMT";
    constexpr int64_t seconds = 784111777;
    EXPECT_TRUE(matches_if_range("\"1\"", "\"1\"", seconds));
    EXPECT_FALSE(matches_if_range("\"1\"", "\"2\"", seconds));
    EXPECT_FALSE(matches_if_range("W/\"1\"", "W/\"1\"", seconds));
    EXPECT_FALSE(matches_if_range("W/\"1\"", "\"1\"", seconds));
    EXPECT_FALSE(matches_if_range("\"1\"", "W/\"1\"", seconds));
    EXPECT_FALSE(matches_if_range("\"1\", \"2\"", "\"1\"", seconds));
    EXPECT_FALSE(matches_if_range("*", "\"1\"", seconds));
    EXPECT_FALSE(matches_if_range("", "", std::nullopt));
    EXPECT_TRUE(matches_if_range(date, "\"1\"", seconds));
    EXPECT_FALSE(matches_if_range(date, "\"1\"", seconds + 1));
    EXPECT_FALSE(matches_if_range(date, "\"1\"", seconds - 1));
    EXPECT_FALSE(matches_if_range(date, "\"1\"", std::nullopt));
    EXPECT_FALSE(matches_if_range("yesterday", "\"1\"", seconds));
}

}  // namespace
}  // namespace ringx::http

// http_date_test.cc - dates written and read back, and what is not a date.
//
// The C library's calendar is the oracle over many years; the three forms are RFC 9110's own examples.
#include "http/http_date.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

namespace ringx::http {
namespace {

std::string written(int64_t seconds) {
    auto text = http_date(seconds);
    return {text.data(), text.size()};
}

TEST(HttpDate, is_written_in_the_fixed_form) {
    struct { int64_t seconds; std::string_view want; } cases[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {2147483648, "Tue, 19 Jan 2038 03:14:08 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {253402300800, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
        {-62167219200, "Sat, 01 Jan 0000 00:00:00 GMT"},
        {INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT"},
    };
    for (auto& c : cases) EXPECT_EQ(written(c.seconds), c.want) << c.seconds;
}

TEST(HttpDate, agrees_with_the_calendar_of_the_C_library) {
    constexpr int64_t step = 86400 * 5 + 12345;
    for (time_t seconds = -30000000000; seconds < 60000000000; seconds += step * 7) {
        tm parts{};
        gmtime_r(&seconds, &parts);
        char want[64];
        strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &parts);
        ASSERT_EQ(written(seconds), want);
        ASSERT_EQ(parse_http_date(want), seconds) << want;
    }
}

TEST(ParseHttpDate, reads_all_three_forms) {
    struct { std::string_view text; int64_t want; } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Wed Nov 16 08:49:37 1994", 784975777},
        {"Thursday, 01-Jan-70 00:00:00 GMT", 0},
        {"Tuesday, 31-Dec-69 00:00:00 GMT", 3155673600},
        {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
    };
    for (auto& c : cases) EXPECT_EQ(parse_http_date(c.text), c.want) << c.text;
}

TEST(ParseHttpDate, refuses_everything_else) {
    std::string_view cases[] = {
        "", "0", "-1", "now", "Sun", "Sunday", "Sun,", "Sun, ", "Sun ",
        "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 gmt", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT",
        "Sun,06 Nov 1994 08:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Xyz 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 32 Dec 1994 08:49:37 GMT",
        "Wed, 29 Feb 1900 00:00:00 GMT", "Tue, 29 Feb 2023 00:00:00 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08-49-37 GMT", "Sun, 06 Nov 1994 08:49:3x GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday Nov  6 08:49:37 1994 GMT",
        "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94", "Sun Nov  6 08:49:37 1994 GMT",
    };
    for (std::string_view text : cases) EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
}

}  // namespace
}  // namespace ringx::http

// conf/value_test.cc - every accepted form of a value, and one text for each way of being wrong.
//
// Where nginx is odd (`1s 5` is six seconds), so are we, on purpose.

#include "conf/value.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ringx::conf {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;

template <typename T>
std::optional<T> read(std::string_view text) {
    auto value = parse<T>(text);
    return value ? std::optional<T>(*value) : std::nullopt;
}

TEST(ParseTime, reads_every_unit) {
    struct {
        std::string_view text;
        std::optional<milliseconds> want;
    } cases[] = {
        {"0", 0ms}, {"30", 30s}, {"30s", 30s}, {"250ms", 250ms}, {"10m", 10min}, {"1h", 1h}, {"1d", 24h}, {"1w", 168h},
        {"1h 30m", 90min}, {"1h30m", 90min}, {"1m 5", 65s}, {"1s 1ms", 1001ms}, {"1w1d1h1m1s1ms", 694861001ms},
        {"1h  5s", 3605s}, {"5 ", 5s}, {"1s 5", 6s}, {" 5", 5s},
    };
    for (auto& c : cases) EXPECT_EQ(read<milliseconds>(c.text), c.want) << c.text;
}

TEST(ParseTime, refuses_what_nginx_refuses) {
    std::string_view cases[] = {"", "s", "ms", "-1", "+1", "1x", "1.5s", "1M", "1y", "1s1s", "1s 1m", "1ms1s", "1m1h",
                                "1S", "1 s", "99999999999999999999", "9223372036854775807", "1h\t", "on"};
    for (auto& text : cases) EXPECT_EQ(read<milliseconds>(text), std::nullopt) << text;
}

TEST(ParseTime, in_whole_seconds_knows_years_and_months_but_no_milliseconds) {
    struct {
        std::string_view text;
        std::optional<seconds> want;
    } cases[] = {
        {"0", 0s}, {"30", 30s}, {"1y", 365 * 24h}, {"1M", 30 * 24h}, {"1y1M1d", 396 * 24h}, {"1h 30m", 90min},
        {"250ms", {}}, {"1s250ms", {}}, {"1M1y", {}}, {"1M1M", {}}, {"", {}}, {"y", {}},
    };
    for (auto& c : cases) EXPECT_EQ(read<seconds>(c.text), c.want) << c.text;
}

TEST(ParseTime, ends_at_a_time_that_any_clock_can_add) {
    EXPECT_EQ(read<seconds>("9999y"), seconds(24h * 365 * 200));
    EXPECT_EQ(read<milliseconds>("999999999999"), milliseconds(24h * 365 * 200));
}

TEST(ParseSize, reads_bytes_kilobytes_and_megabytes) {
    struct {
        std::string_view text;
        std::optional<size_t> want;
    } cases[] = {
        {"0", 0}, {"512", 512}, {"4k", 4096}, {"4K", 4096}, {"1m", 1 << 20}, {"8M", 8 << 20},
        {"9007199254740991k", 9007199254740991u * 1024}, {"9007199254740992k", {}},
        {"1g", {}}, {"", {}}, {"k", {}}, {"-1", {}}, {"+1", {}}, {"1kk", {}}, {"1 k", {}}, {"0x10", {}}, {"1.5k", {}},
        {"9223372036854775807", 9223372036854775807u}, {"9223372036854775808", {}}, {"99999999999999999999", {}},
    };
    for (auto& c : cases) EXPECT_EQ(read<Size>(c.text), c.want) << c.text;
}

TEST(ParseOffset, reads_gigabytes_too) {
    struct {
        std::string_view text;
        std::optional<uint64_t> want;
    } cases[] = {{"0", 0}, {"1k", 1024}, {"3m", 3 << 20}, {"2g", uint64_t{2} << 30}, {"2G", uint64_t{2} << 30},
                 {"1t", {}}, {"g", {}}, {"", {}}, {"9999999999g", {}}};
    for (auto& c : cases) EXPECT_EQ(read<Offset>(c.text), c.want) << c.text;
}

TEST(ParseNumber, takes_digits_only_and_keeps_to_its_type) {
    struct {
        std::string_view text;
        std::optional<uint16_t> want;
    } cases[] = {{"0", 0}, {"65535", 65535}, {"007", 7}, {"65536", {}}, {"-1", {}}, {"+1", {}}, {"", {}}, {" 1", {}},
                 {"1 ", {}}, {"1k", {}}, {"0x1", {}}, {"99999999999999999999", {}}};
    for (auto& c : cases) EXPECT_EQ(read<uint16_t>(c.text), c.want) << c.text;
    EXPECT_EQ(read<int>("-20"), -20);
    EXPECT_EQ(read<int>("2147483648"), std::nullopt);
    EXPECT_EQ(read<uint64_t>("18446744073709551615"), 18446744073709551615u);
}

TEST(ParseFlag, is_on_or_off_in_any_case) {
    struct {
        std::string_view text;
        std::optional<bool> want;
    } cases[] = {{"on", true}, {"off", false}, {"On", true}, {"OFF", false},
                 {"yes", {}},  {"1", {}},      {"", {}},     {"o", {}}};
    for (auto& c : cases) EXPECT_EQ(read<bool>(c.text), c.want) << c.text;
}

TEST(ParseBuffers, takes_a_number_and_a_size) {
    EXPECT_EQ(Value<Buffers>::parse("8", "4k").value(), (Buffers{8, 4096}));
    struct {
        std::string_view count, size;
    } wrong[] = {{"0", "4k"}, {"8", "0"}, {"8k", "4k"}, {"", "4k"}, {"8", ""}, {"8", "1g"}};
    for (auto& c : wrong) EXPECT_FALSE(Value<Buffers>::parse(c.count, c.size)) << c.count << " " << c.size;
}

enum class Balance : uint8_t { round_robin, least_busy, hash };
constexpr std::array<Choice<Balance>, 3> choices(Balance) {
    return {{{"round_robin", Balance::round_robin}, {"least_busy", Balance::least_busy}, {"hash", Balance::hash}}};
}

TEST(ParseChoice, knows_the_names_beside_the_enumeration) {
    EXPECT_EQ(read<Balance>("least_busy"), Balance::least_busy);
    EXPECT_EQ(read<Balance>("HASH"), Balance::hash);
    auto wrong = parse<Balance>("fastest");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().hint, "expected round_robin, least_busy or hash");
    EXPECT_EQ(Value<Balance>::syntax(), "round_robin | least_busy | hash");
    EXPECT_EQ(Value<Flags<Balance>>::syntax(), "round_robin | least_busy | hash ...");
}

TEST(Flags, hold_each_member_by_itself) {
    Flags<Balance> flags{Balance::hash};
    EXPECT_TRUE(flags.has(Balance::hash));
    EXPECT_FALSE(flags.has(Balance::round_robin));
    flags.add(Balance::round_robin);
    EXPECT_TRUE(flags.has(Balance::round_robin));
    EXPECT_EQ(flags, (Flags<Balance>{Balance::round_robin, Balance::hash}));
}

TEST(Invalid, speaks_as_nginx_does) {
    struct {
        Invalid invalid;
        std::string_view want;
    } cases[] = {
        {{Invalid::Kind::value}, "\"x\" directive invalid value"},
        {{Invalid::Kind::number}, "\"x\" directive invalid number"},
        {{Invalid::Kind::flag}, "invalid value \"w\" in \"x\" directive, it must be \"on\" or \"off\""},
        {{Invalid::Kind::choice}, "invalid value \"w\" in \"x\" directive"},
        {{Invalid::Kind::sentence, "", "no such day"}, "no such day"},
    };
    for (auto& c : cases) EXPECT_EQ(sentence(c.invalid, "x", "w"), c.want);
}

}  // namespace
}  // namespace ringx::conf

#include "conf/value.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/format.h"

namespace ringx::conf {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int64_t int64_max = std::numeric_limits<int64_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::unexpected<Invalid> invalid_time() {
    return std::unexpected(Invalid{Invalid::Kind::value, "a time is written like 30s, 5m or \"1h 30m\""});
}

std::unexpected<Invalid> invalid_size(std::string_view units) {
    return std::unexpected(Invalid{Invalid::Kind::value, text::format("a size is written like 512, {}", units)});
}

// Digits and one of the letters of `units`, each worth 1024 of the one before.
std::optional<uint64_t> scaled(std::string_view text, std::string_view units) {
    unsigned shift = 0;
    if (!text.empty()) {
        if (size_t unit = units.find(lower(text.back())); unit != units.npos) {
            shift = 10 * static_cast<unsigned>(unit + 1);
            text.remove_suffix(1);
        }
    }
    // Sizes are signed in nginx; a larger one would be an error there too.
    auto number = parse_unsigned(text, static_cast<uint64_t>(int64_max) >> shift);
    if (!number) return std::nullopt;
    return *number << shift;
}

// Longer times are taken for this one, so that a time can be added to any clock, in nanoseconds too.
constexpr std::chrono::hours time_max{24 * 365 * 200};

// One unit of a time. A later part must have a larger rank: units descend, each at most once.
struct Unit {
    int rank;
    int64_t milliseconds;
};

constexpr Unit no_unit{0, 0};
constexpr int rank_of_months = 2;

// Takes the unit from the front of the text. A blank after digits ends a part that counts seconds.
Unit take_unit(std::string_view& text) {
    constexpr int64_t second = 1000, day = 86400 * second;
    char letter = text.front();
    text.remove_prefix(1);
    switch (letter) {
        case 'y': return {1, 365 * day};
        case 'M': return {rank_of_months, 30 * day};
        case 'w': return {3, 7 * day};
        case 'd': return {4, day};
        case 'h': return {5, 3600 * second};
        case 'm':
            if (!text.starts_with('s')) return {6, 60 * second};
            text.remove_prefix(1);
            return {8, 1};
        case 's': return {7, second};
        case ' ': return {9, second};
        default: return no_unit;
    }
}

// Whether the unit may follow the part of rank `before`, the seconds being written in three ways.
bool may_follow(Unit unit, int before) {
    if (unit.rank == no_unit.rank) return false;
    return unit.rank == 9 ? before < 7 : before < unit.rank;
}

// Adds count * unit, or says that it does not fit.
bool add(int64_t& total, int64_t count, int64_t unit) {
    return !__builtin_mul_overflow(count, unit, &count) && !__builtin_add_overflow(total, count, &total);
}

// The time in units of `tick` milliseconds, by the rules of settings kept in that unit.
std::optional<int64_t> parse_time(std::string_view text, int64_t tick) {
    bool in_seconds = tick == 1000;
    int rank = in_seconds ? 0 : rank_of_months;  // milliseconds take neither years nor months
    int64_t total = 0;
    int64_t count = 0;
    bool any_digit = false;

    while (!text.empty()) {
        if (is_digit(text.front())) {
            if (__builtin_mul_overflow(count, 10, &count)) return std::nullopt;
            if (__builtin_add_overflow(count, text.front() - '0', &count)) return std::nullopt;
            any_digit = true;
            text.remove_prefix(1);
            continue;
        }
        Unit unit = take_unit(text);
        if (!may_follow(unit, rank) || unit.milliseconds < tick) return std::nullopt;
        if (!add(total, count, unit.milliseconds / tick)) return std::nullopt;
        rank = unit.rank;
        count = 0;
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    }
    // What has no unit counts seconds, whatever stood before it.
    if (!any_digit || !add(total, count, 1000 / tick)) return std::nullopt;
    return std::min(total, milliseconds(time_max).count() / tick);
}

}  // namespace

std::string sentence(const Invalid& invalid, std::string_view directive, std::string_view text) {
    switch (invalid.kind) {
        case Invalid::Kind::value: break;
        case Invalid::Kind::number: return text::format("\"{}\" directive invalid number", directive);
        case Invalid::Kind::flag:
            return text::format("invalid value \"{}\" in \"{}\" directive, it must be \"on\" or \"off\"", text,
                                directive);
        case Invalid::Kind::choice: return text::format("invalid value \"{}\" in \"{}\" directive", text, directive);
        case Invalid::Kind::sentence: return invalid.sentence;
    }
    return text::format("\"{}\" directive invalid value", directive);
}

bool same_keyword(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

Parsed<bool> Value<bool>::parse(std::string_view text) {
    if (same_keyword(text, "on")) return true;
    if (same_keyword(text, "off")) return false;
    return std::unexpected(Invalid{Invalid::Kind::flag});
}

Parsed<uint64_t> parse_unsigned(std::string_view text, uint64_t max) {
    uint64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number > max) {
        return std::unexpected(Invalid{Invalid::Kind::number});
    }
    return number;
}

Parsed<int64_t> parse_signed(std::string_view text, int64_t min, int64_t max) {
    int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < min || number > max) {
        return std::unexpected(Invalid{Invalid::Kind::number});
    }
    return number;
}

Parsed<Size> Value<Size>::parse(std::string_view text) {
    auto bytes = scaled(text, "km");
    if (!bytes) return invalid_size("16k or 8m");
    return Size(*bytes);
}

Parsed<Offset> Value<Offset>::parse(std::string_view text) {
    auto bytes = scaled(text, "kmg");
    if (!bytes) return invalid_size("16k, 8m or 2g");
    return Offset(*bytes);
}

Parsed<milliseconds> Value<milliseconds>::parse(std::string_view text) {
    auto count = parse_time(text, 1);
    if (!count) return invalid_time();
    return milliseconds(*count);
}

Parsed<seconds> Value<seconds>::parse(std::string_view text) {
    auto count = parse_time(text, 1000);
    if (!count) return invalid_time();
    return seconds(*count);
}

Parsed<Buffers> Value<Buffers>::parse(std::string_view count, std::string_view size) {
    auto how_many = parse_unsigned(count, int64_max);
    auto how_large = scaled(size, "km");
    if (!how_many || *how_many == 0 || !how_large || *how_large == 0) {
        return std::unexpected(Invalid{Invalid::Kind::value, "a number of buffers, then the size of each: 8 16k"});
    }
    return Buffers{*how_many, *how_large};
}

std::string expected_one_of(std::span<const std::string_view> names) {
    std::string text = "expected ";
    for (size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
        text += names[i];
    }
    return text;
}

std::string syntax_of(std::span<const std::string_view> names) {
    std::string text;
    for (std::string_view name : names) {
        if (!text.empty()) text += " | ";
        text += name;
    }
    return text;
}

}  // namespace ringx::conf

#include "http/range.h"

#include <algorithm>
#include <optional>

#include "http/text.h"

namespace ringx::http {

namespace {

void skip_spaces(std::string_view& text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
}

// Digits off the front, at least one, up to INT64_MAX.
std::optional<uint64_t> take_number(std::string_view& text) {
    if (text.empty() || !is_digit(text[0])) return std::nullopt;
    uint64_t number = 0;
    for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) {
        auto digit = static_cast<uint64_t>(text[0] - '0');
        if (number > (INT64_MAX - digit) / 10) return std::nullopt;
        number = number * 10 + digit;
    }
    return number;
}

// One range as [begin, end), cut to the body, possibly empty; and the comma after it, if any.
struct Span {
    uint64_t begin;
    uint64_t end;
};

std::optional<Span> take_range(std::string_view& text, uint64_t size) {
    skip_spaces(text);
    Span span{0, size};
    bool is_suffix = text.starts_with('-');
    if (!is_suffix) {
        auto first = take_number(text);
        if (!first) return std::nullopt;
        span.begin = *first;
        skip_spaces(text);
        if (!text.starts_with('-')) return std::nullopt;
    }
    text.remove_prefix(1);
    if (!is_suffix) skip_spaces(text);
    if (is_suffix || !(text.empty() || text[0] == ',')) {
        auto number = take_number(text);
        if (!number) return std::nullopt;
        if (is_suffix) {
            span.begin = *number < size ? size - *number : 0;
        } else if (*number < size) {
            span.end = *number + 1;
        }
        skip_spaces(text);
    }
    if (!text.empty() && text[0] != ',') return std::nullopt;
    return span;
}

}  // namespace

Ranges parse_ranges(std::string_view value, uint64_t size, uint32_t max_ranges, std::vector<ByteRange>& out) {
    constexpr std::string_view unit = "bytes=";
    out.clear();
    if (max_ranges == 0 || value.size() <= unit.size() || !equals_ignore_case(value.substr(0, unit.size()), unit)) {
        return Ranges::ignore;
    }
    auto answer = [&out](Ranges ranges) {
        out.clear();
        return ranges;
    };
    max_ranges = std::min(max_ranges, ranges_max);
    uint64_t sum = 0;
    for (std::string_view rest = value.substr(unit.size());;) {
        auto span = take_range(rest, size);
        if (!span) return answer(Ranges::unsatisfiable);
        if (span->begin < span->end) {
            if (out.size() == max_ranges) return answer(Ranges::ignore);
            out.push_back({span->begin, span->end - 1});
            if (sum > INT64_MAX - (span->end - span->begin)) return answer(Ranges::unsatisfiable);
            sum += span->end - span->begin;
        } else if (span->begin == 0) {
            return answer(Ranges::ignore);  // any range from the start of an empty body is the body
        }
        if (rest.empty()) break;
        rest.remove_prefix(1);
    }
    if (out.empty()) return Ranges::unsatisfiable;
    return sum > size ? answer(Ranges::ignore) : Ranges::some;
}

}  // namespace ringx::http

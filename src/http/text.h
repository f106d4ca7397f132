// http/text.h - the alphabet of HTTP: which bytes may stand where, and scans that use it.
//
// Only ASCII matters here; no locale is asked. The scans are on the path of every request, hence the vector form.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace ringx::http {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr bool contains(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

// A yes or no for each byte, made from a rule at compile time.
class ByteSet {
 public:
    template <typename Rule>
    explicit constexpr ByteSet(Rule rule) {
        for (size_t i = 0; i < yes_.size(); ++i) yes_[i] = rule(static_cast<char>(i));
    }
    constexpr bool operator[](char c) const { return yes_[static_cast<unsigned char>(c)]; }

 private:
    std::array<bool, 256> yes_{};
};

// tchar of RFC 9110 section 5.6.2: what methods and field names are made of.
inline constexpr ByteSet token_bytes([](char c) {
    return is_digit(c) || is_alpha(c) || contains("!#$%&'*+-.^_`|~", c);
});

// Control characters, of which only the tab may stand in a value (RFC 9110 section 5.5).
inline constexpr ByteSet control_bytes([](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
});

// The first control character other than a tab, or `end`.
inline const char* find_control(const char* at, const char* end) {
#ifdef __SSE2__
    const __m128i last_control = _mm_set1_epi8(0x1f);
    const __m128i tab = _mm_set1_epi8('\t');
    const __m128i del = _mm_set1_epi8(0x7f);
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
        __m128i found = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), low), _mm_cmpeq_epi8(bytes, del));
        int mask = _mm_movemask_epi8(found);
        if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
    }
#endif
    while (at != end && !control_bytes[*at]) ++at;
    return at;
}

inline bool equals_ignore_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i) {
        if (to_lower(a[i]) != to_lower(b[i])) return false;
    }
    return true;
}

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Without the spaces and tabs around it: OWS of RFC 9110 section 5.6.3.
inline std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

// Takes the next element, trimmed and possibly empty, off a list divided by commas.
inline std::string_view take_element(std::string_view& list) {
    size_t comma = list.find(',');
    std::string_view element = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    return trim(element);
}

}  // namespace ringx::http

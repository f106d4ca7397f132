// http/number_text.h - numbers and durations as variables show them, written straight into a request's memory.
//
// They are on the path of every line of an access log: no format string is read at run time.
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

#include "base/arena.h"

namespace ringx::http {

inline std::string_view number_text(Arena& arena, uint64_t number) {
    constexpr size_t digits_max = 20;
    char* text = arena.text(digits_max);
    return {text, static_cast<size_t>(std::to_chars(text, text + digits_max, number).ptr - text)};
}

// Exactly three digits, with zeros before.
inline void write_three_digits(char* out, uint32_t number) {
    out[0] = static_cast<char>('0' + number / 100 % 10);
    out[1] = static_cast<char>('0' + number / 10 % 10);
    out[2] = static_cast<char>('0' + number % 10);
}

// "SECONDS.mmm".
inline std::string_view seconds_text(Arena& arena, uint64_t seconds, uint32_t milliseconds) {
    constexpr size_t digits_max = 20;
    char* text = arena.text(digits_max + 4);
    char* end = std::to_chars(text, text + digits_max, seconds).ptr;
    *end = '.';
    write_three_digits(end + 1, milliseconds);
    return {text, static_cast<size_t>(end + 4 - text)};
}

inline std::string_view duration_text(Arena& arena, uint64_t milliseconds) {
    return seconds_text(arena, milliseconds / 1000, static_cast<uint32_t>(milliseconds % 1000));
}

}  // namespace ringx::http

// http/length.h - the value of Content-Length.
//
// One reading for requests and responses: whoever reads it otherwise would see another end of the message.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/text.h"

namespace ringx::http {

// Digits only (RFC 9110 section 8.6): no sign, no list, no space. File offsets are signed, and so is the limit.
inline std::optional<uint64_t> parse_length(std::string_view text) {
    if (text.empty()) return std::nullopt;
    uint64_t length = 0;
    for (char c : text) {
        if (!is_digit(c)) return std::nullopt;
        auto digit = static_cast<uint64_t>(c - '0');
        if (length > (INT64_MAX - digit) / 10) return std::nullopt;
        length = length * 10 + digit;
    }
    return length;
}

}  // namespace ringx::http

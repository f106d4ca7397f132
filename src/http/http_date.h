// http/http_date.h - moments as HTTP writes them (RFC 9110 section 5.6.7).
//
// Writing gives the fixed-length form, always 29 bytes, so a cached date can be overwritten in place. Reading takes
// that and the two obsolete forms. Nothing here asks the C library: no locale, no time zone, no lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringx::http {

inline constexpr size_t http_date_bytes = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

// Writes exactly http_date_bytes, no terminator. `seconds` count from the epoch; years 0 to 9999 (others are clamped).
void write_http_date(int64_t seconds, char* out);

std::array<char, http_date_bytes> http_date(int64_t seconds);

// "Thu, 31-Dec-37 23:55:55 GMT": a date as the first cookies had it, with four digits from 2038 on.
std::string cookie_date(int64_t seconds);

// Seconds from the epoch. Of rfc850-dates, years 70 to 99 are in the twentieth century, as in nginx.
std::optional<int64_t> parse_http_date(std::string_view text);

}  // namespace ringx::http

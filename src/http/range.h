// http/range.h - which bytes of a body a Range field asks for.
//
// The rules are nginx's: broken syntax and ranges beyond the end are 416, an unknown unit is ignored, and a set that is
// larger than the whole body is answered with the whole body, so overlapping ranges never cost more than none.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ringx::http {

struct ByteRange {
    uint64_t first;
    uint64_t last;  // inclusive; first <= last < size of the body

    uint64_t size() const { return last - first + 1; }
    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

enum class Ranges : uint8_t {
    ignore,         // answer with the whole body
    unsatisfiable,  // 416
    some,           // answer with what is in `out`, one part or several, in the order asked for
};

// max_ranges has no limit by default; this one keeps the parts' heads in proportion to the request that asked.
inline constexpr uint32_t ranges_max = 1024;

// Ranges of `value` in a body of `size` bytes. `out` loses its old content, and is empty unless the answer is `some`.
// REQUIRES: size <= INT64_MAX.
Ranges parse_ranges(std::string_view value, uint64_t size, uint32_t max_ranges, std::vector<ByteRange>& out);

}  // namespace ringx::http

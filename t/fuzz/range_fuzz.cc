// t/fuzz/range_fuzz.cc - Range fields: what is answered lies inside the body and is no larger than it.
//
// The first eight bytes are the size of the body, the ninth is max_ranges (255: no limit), the rest is the field.
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "http/range.h"

using namespace ringx::http;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    uint64_t body;
    if (size < sizeof(body) + 1) return 0;
    memcpy(&body, data, sizeof(body));
    body &= INT64_MAX;
    uint32_t max_ranges = data[8] == 255 ? UINT32_MAX : data[8];
    std::string_view value(reinterpret_cast<const char*>(data) + 9, size - 9);

    std::vector<ByteRange> ranges = {{1, 0}};
    Ranges answer = parse_ranges(value, body, max_ranges, ranges);
    CHECK(ranges.empty() == (answer != Ranges::some));
    CHECK(ranges.size() <= max_ranges && ranges.size() <= ranges_max);
    uint64_t sum = 0;
    for (const ByteRange& range : ranges) {
        CHECK(range.first <= range.last && range.last < body);
        CHECK(range.size() <= body - sum);
        sum += range.size();
    }
    return 0;
}

// modules/geo/address_ranges.h - values by ranges of IPv4 addresses, with nginx's rules for ranges that meet.
//
// A range may lie inside one that was added before, and then cuts it; one that overlaps another in any other way is
// refused. nginx keeps ranges by blocks of 65536 addresses and judges in each block by itself, and so do we: what a
// long range may overlap depends on it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace ringx::http::geo {

struct AddressRange {
    uint32_t first;
    uint32_t last;
    const std::string_view* value;
};

class AddressRanges {
 public:
    enum class Added : uint8_t { yes, replaced, overlaps };
    struct Outcome {
        Added added = Added::yes;
        AddressRange other{};  // the one that was replaced, or is overlapped
    };

    // REQUIRES: first <= last.
    Outcome add(AddressRange range);
    // False when a block of the range is not there as it is.
    bool erase(uint32_t first, uint32_t last);

    // Called once, after the last change.
    void finish();
    // Null when the address is in no range.
    const std::string_view* find(uint32_t address) const;

 private:
    Outcome add_in_block(AddressRange range);

    std::map<uint32_t, AddressRange> by_first_;
    std::vector<AddressRange> sorted_;
};

}  // namespace ringx::http::geo

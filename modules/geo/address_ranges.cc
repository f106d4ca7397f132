#include "modules/geo/address_ranges.h"

#include <algorithm>

namespace ringx::http::geo {
namespace {

constexpr uint32_t block_mask = 0xffff;

// Calls `step` for the part of the range in each block, until it says false.
template <typename Step>
void each_block(uint32_t first, uint32_t last, Step step) {
    for (;;) {
        uint32_t end = std::min(last, first | block_mask);
        if (!step(first, end) || end == last) return;
        first = end + 1;
    }
}

}  // namespace

AddressRanges::Outcome AddressRanges::add(AddressRange range) {
    Outcome outcome;
    each_block(range.first, range.last, [&](uint32_t first, uint32_t last) {
        Outcome here = add_in_block({first, last, range.value});
        if (here.added != Added::yes) outcome = here;
        return here.added != Added::overlaps;
    });
    return outcome;
}

AddressRanges::Outcome AddressRanges::add_in_block(AddressRange range) {
    auto after = by_first_.upper_bound(range.last);
    if (after != by_first_.begin()) {
        auto around = std::prev(after);
        AddressRange old = around->second;
        if (old.last >= range.first) {
            if (old.first > range.first || old.last < range.last) return {Added::overlaps, old};
            if (old.first == range.first && old.last == range.last) {
                around->second.value = range.value;
                return {Added::replaced, old};
            }
            by_first_.erase(around);
            if (old.first < range.first) by_first_[old.first] = {old.first, range.first - 1, old.value};
            if (old.last > range.last) by_first_[range.last + 1] = {range.last + 1, old.last, old.value};
        }
    }
    by_first_[range.first] = range;
    return {};
}

bool AddressRanges::erase(uint32_t first, uint32_t last) {
    bool all = true;
    each_block(first, last, [&](uint32_t from, uint32_t to) {
        auto found = by_first_.find(from);
        if (found != by_first_.end() && found->second.last == to) {
            by_first_.erase(found);
        } else {
            all = false;
        }
        return true;
    });
    return all;
}

void AddressRanges::finish() {
    sorted_.clear();
    for (const auto& [first, range] : by_first_) {
        bool goes_on = !sorted_.empty() && sorted_.back().last + 1 == first && sorted_.back().value == range.value;
        if (goes_on) {
            sorted_.back().last = range.last;
        } else {
            sorted_.push_back(range);
        }
    }
    by_first_.clear();
}

const std::string_view* AddressRanges::find(uint32_t address) const {
    auto after = std::ranges::upper_bound(sorted_, address, {}, &AddressRange::first);
    if (after == sorted_.begin() || std::prev(after)->last < address) return nullptr;
    return std::prev(after)->value;
}

}  // namespace ringx::http::geo

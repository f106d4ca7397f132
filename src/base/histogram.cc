#include "base/histogram.h"

#include <cmath>

namespace ringx {
namespace {

template <typename Visit>
void for_each_step(uint64_t touched, Visit visit) {
    for (; touched != 0; touched &= touched - 1) {
        unsigned first = static_cast<unsigned>(std::countr_zero(touched)) * Histogram::steps_per_octave;
        for (unsigned step = first; step < first + Histogram::steps_per_octave; ++step) {
            if (!visit(step)) return;
        }
    }
}

}  // namespace

void Histogram::add(const Histogram& other) {
    uint64_t touched = other.touched_.value();
    sum_.add(other.sum_.value());
    touched_.set(touched_.value() | touched);
    for_each_step(touched, [&](unsigned step) {
        steps_[step].add(other.steps_[step].value());
        return true;
    });
}

uint64_t Histogram::count_up_to(std::span<const uint64_t> bounds, std::span<uint64_t> counts) const {
    uint64_t count = 0;
    size_t passed = 0;
    for_each_step(touched_.value(), [&](unsigned step) {
        uint64_t here = steps_[step].value();
        if (here == 0) return true;
        for (; passed < bounds.size() && bounds[passed] < middle_of(step); ++passed) counts[passed] = count;
        count += here;
        return true;
    });
    for (; passed < bounds.size(); ++passed) counts[passed] = count;
    return count;
}

uint64_t Histogram::quantile(double part) const {
    uint64_t rank = static_cast<uint64_t>(std::ceil(part * static_cast<double>(count())));
    uint64_t found = 0, seen = 0;
    for_each_step(touched_.value(), [&](unsigned step) {
        uint64_t here = steps_[step].value();
        if (here != 0) found = middle_of(step);
        seen += here;
        return seen < rank || seen == 0;
    });
    return found;
}

}  // namespace ringx

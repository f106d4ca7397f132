// base/histogram.h - how many values lay in each of many narrow ranges, which tells quantiles to within 1.6 %.
//
// Values are whole numbers, such as microseconds. Those below 32 are counted each for itself; above, every power of two
// is divided into 32 steps of equal width (a log-linear histogram, as HdrHistogram's). What is 2^32 or more is counted
// in the last step. One process writes; who reads meanwhile sees a state in which the newest values may be missing.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "base/counter.h"

namespace ringx {

class Histogram {
 public:
    static constexpr unsigned steps_per_octave = 32;
    static constexpr unsigned octaves = 28;  // the first holds what is below 32
    static constexpr uint64_t value_max = UINT32_MAX;

    void add(uint64_t value) {
        sum_.add(value);
        unsigned step = step_of(value);
        uint64_t octave = uint64_t{1} << (step / steps_per_octave);
        if ((touched_.value() & octave) == 0) touched_.set(touched_.value() | octave);
        steps_[step].add(1);
    }

    // Adds what another has counted; reads nothing of it that was never written.
    void add(const Histogram& other);

    uint64_t sum() const { return sum_.value(); }
    uint64_t count() const { return count_up_to({}, {}); }
    // How many values there are. `counts` get how many of them were not above each of the bounds, which ascend, give or
    // take the width of a step.
    // REQUIRES: there are as many counts as bounds.
    uint64_t count_up_to(std::span<const uint64_t> bounds, std::span<uint64_t> counts) const;
    // The value that a part of all, from 0 to 1, is not above; 0 when there is none.
    uint64_t quantile(double part) const;

    // Where a value is counted, and the middle of what is counted there.
    static constexpr unsigned step_of(uint64_t value) {
        if (value > value_max) value = value_max;
        if (value < steps_per_octave) return static_cast<unsigned>(value);
        unsigned shift = static_cast<unsigned>(std::bit_width(value)) - octave_bits - 1;
        return shift * steps_per_octave + static_cast<unsigned>(value >> shift);
    }
    static constexpr uint64_t middle_of(unsigned step) {
        if (step < 2 * steps_per_octave) return step;
        unsigned shift = step / steps_per_octave - 1;
        uint64_t first = uint64_t{step % steps_per_octave + steps_per_octave} << shift;
        return first + (uint64_t{1} << shift) / 2;
    }

 private:
    static constexpr unsigned octave_bits = 5;

    Counter sum_;
    Counter touched_;  // a bit for each octave that has values
    std::array<Counter, steps_per_octave * octaves> steps_;
};

}  // namespace ringx

// proc/cpu.h - which CPUs a worker may run on.
//
// A mask is written as in nginx, most significant CPU first: 0101 means CPUs 0 and 2. `auto` gives each worker one CPU
// of those the process may use, or of those a mask admits.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ringx::proc {

// CPU numbers, ascending.
using Cpus = std::vector<unsigned>;

// Those this process may use.
Cpus available_cpus();

// Nothing when the text holds anything but 0 and 1, or no 1.
std::optional<Cpus> parse_cpu_mask(std::string_view mask);

// What worker_cpu_affinity says.
struct CpuPlacement {
    enum class Kind : uint8_t {
        spread,     // not given: one CPU each when there are as many workers as CPUs
        automatic,  // one CPU each, of `allowed` (of all when it is empty)
        masks,      // the n-th worker gets the n-th mask, later ones the last
        none,       // wherever the kernel likes
    };
    Kind kind = Kind::spread;
    Cpus allowed;
    std::vector<Cpus> masks;

    // The CPUs of worker `number` of `workers`; none when it is not to be pinned.
    Cpus of_worker(unsigned number, unsigned workers, const Cpus& available) const;

    friend bool operator==(const CpuPlacement&, const CpuPlacement&) = default;
};

// Keeps the calling thread, and what it starts, on those CPUs.
Result<> pin_to(const Cpus& cpus);

}  // namespace ringx::proc

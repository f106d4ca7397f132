#include "proc/cpu.h"

#include <sched.h>

#include <algorithm>
#include <memory>

namespace ringx::proc {

namespace {

constexpr unsigned cpus_max = 4096;

// A cpu_set_t that is large enough for every kernel.
class CpuSet {
 public:
    CpuSet() : bits_(CPU_ALLOC(cpus_max)) { CPU_ZERO_S(bytes(), bits_.get()); }
    size_t bytes() const { return CPU_ALLOC_SIZE(cpus_max); }
    cpu_set_t* get() { return bits_.get(); }
    void add(unsigned cpu) { CPU_SET_S(cpu, bytes(), bits_.get()); }
    bool has(unsigned cpu) const { return CPU_ISSET_S(cpu, bytes(), bits_.get()); }

 private:
    struct Free {
        void operator()(cpu_set_t* bits) const { CPU_FREE(bits); }
    };
    std::unique_ptr<cpu_set_t, Free> bits_;
};

}  // namespace

Cpus available_cpus() {
    CpuSet set;
    Cpus cpus;
    if (sched_getaffinity(0, set.bytes(), set.get()) == 0) {
        for (unsigned cpu = 0; cpu < cpus_max; ++cpu) {
            if (set.has(cpu)) cpus.push_back(cpu);
        }
    }
    if (cpus.empty()) cpus.push_back(0);
    return cpus;
}

std::optional<Cpus> parse_cpu_mask(std::string_view mask) {
    Cpus cpus;
    for (size_t i = 0; i < mask.size(); ++i) {
        char bit = mask[mask.size() - 1 - i];
        if (bit == '1') cpus.push_back(static_cast<unsigned>(i));
        else if (bit != '0') return std::nullopt;
    }
    if (cpus.empty() || cpus.back() >= cpus_max) return std::nullopt;
    return cpus;
}

Cpus CpuPlacement::of_worker(unsigned number, unsigned workers, const Cpus& available) const {
    auto nth = [number](const Cpus& from) { return Cpus{from[number % from.size()]}; };
    switch (kind) {
        case Kind::none: return {};
        case Kind::masks: return masks[std::min<size_t>(number, masks.size() - 1)];
        case Kind::spread: return workers == available.size() ? nth(available) : Cpus{};
        case Kind::automatic: break;
    }
    if (allowed.empty()) return nth(available);
    Cpus both;
    std::ranges::set_intersection(allowed, available, std::back_inserter(both));
    return both.empty() ? Cpus{} : nth(both);
}

Result<> pin_to(const Cpus& cpus) {
    CpuSet set;
    for (unsigned cpu : cpus) set.add(cpu);
    if (sched_setaffinity(0, set.bytes(), set.get()) != 0) return fail("sched_setaffinity");
    return {};
}

}  // namespace ringx::proc

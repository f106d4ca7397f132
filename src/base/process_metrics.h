// base/process_metrics.h - what the processes of a server use of the machine.
//
// Each process says who it is, and the kernel is asked about all of them when somebody wants to know: nothing is
// measured before.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/counter.h"

namespace ringx {

// Named by what the process is: "master", or the number of a worker.
struct ProcessMetrics {
    static constexpr std::string_view kind = "process";
    static constexpr size_t gauges = 2;

    Counter id;          // pid
    Counter started_ms;  // since 1970

    // Of a process and its successor, the one that lives: there is no sum of them.
    void add(const ProcessMetrics& other, bool living) {
        if (!living || other.id.value() == 0) return;
        *this = other;
    }
    // The calling process is it, from now on.
    void tell_self();
};

struct ProcessUse {
    uint64_t resident_bytes = 0;
    double cpu_seconds = 0;
    std::optional<uint64_t> descriptors;  // open ones; nothing: we may not know
};
// Nothing when there is no such process.
std::optional<ProcessUse> read_process_use(pid_t process);

}  // namespace ringx

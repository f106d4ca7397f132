// bench/machine.h - where figures come from: without it they mean nothing to anybody else.
//
// Read from /proc and asked of the libraries; what cannot be had is "unknown".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringx::bench {

struct Machine {
    std::string cpu;      // "AMD EPYC 7B13"
    uint32_t cpus = 0;    // that this process may use
    uint64_t memory_mb = 0;
    std::string kernel;   // "Linux 6.18.0"
    std::string openssl;
    std::string version;  // of this program
    std::string time;     // "2026-11-21T02:51:35+00:00"
    double load = 0;      // of the last minute, before the run: others disturb

    static Machine look();
    // "2 x AMD EPYC 7B13, 4096 MB, Linux 6.18.0".
    std::string text() const;
};

// The value of the first "model name : …" of /proc/cpuinfo; "unknown" when there is none.
std::string cpu_model(std::string_view cpuinfo);

}  // namespace ringx::bench

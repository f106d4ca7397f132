// proc/doctor_sysctls.h - settings of the kernel a busy server wants, and why.
//
// There is one list, and contrib/tune_sysctl.sh has the same, to put it in force; a test compares the two. It has what
// somebody can be told the reason of, and no value is ever to be lowered.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringx::proc {

struct SysctlAdvice {
    enum class Kind : uint8_t {
        least,  // a number: at least this
        last,   // the last of three numbers: at least this
        range,  // two numbers: what lies between them, at least
        exact,  // a number that means something: this
    };
    // To whom it matters.
    enum class When : uint8_t {
        always,
        upstreams,        // servers that connect to others
        packets_dropped,  // systems that have dropped packets
        no_syn_cookies,   // systems without SYN cookies
    };
    std::string_view name;
    Kind kind;
    std::string_view wanted;
    When when;
    std::string_view reason;
};

std::span<const SysctlAdvice> sysctl_advice();

// The value to set in place of `current`; nothing if that will do.
std::optional<std::string> better_value(const SysctlAdvice& advice, std::string_view current);

// All names that facts have values of: those of the list, and those that other checks look at.
std::vector<std::string_view> examined_sysctls();

}  // namespace ringx::proc

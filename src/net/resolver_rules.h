// net/resolver_rules.h - whom to ask for names, and for how long: what a `resolver` directive says, or the system.
//
// Rules are immutable and shared: a generation has them, and so has whatever was asked by them until it is over.
// Answers are shared between rules whose keys are equal, so they stay over a reload that changes nothing here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/address.h"

namespace ringx {

struct ResolverRules {
    static constexpr unsigned rounds_without_end = ~0u;

    std::vector<Address> servers;
    bool ipv4 = true, ipv6 = true;
    std::optional<uint32_t> valid_seconds;  // instead of what answers say
    uint64_t timeout_ms = 30'000;           // for a name, with all that has to be asked for it
    uint64_t first_try_ms = 2'000;          // for one server in the first round; the next rounds take longer
    unsigned rounds_max = rounds_without_end;
    bool rotates = true;                    // another server comes first each time
    std::string status_zone;                // where questions are counted; empty: nowhere in particular

    // Equal where questions and answers may be shared.
    std::string key() const;
};

}  // namespace ringx

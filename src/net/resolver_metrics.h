// net/resolver_metrics.h - what is counted of questions about names: of all workers, and for each `status_zone` of a
// `resolver`.
//
// Each kind of record that somebody asks for is a question. Those that many ask at once count for each of them.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/counter.h"

namespace ringx {

struct ResolverMetrics {
    static constexpr std::string_view kind = "resolver";
    static constexpr size_t gauges = 0;
    static constexpr std::string_view all = "all";  // the name of what counts everything
    static std::string name(std::string_view zone) { return "zone/" + std::string(zone); }

    std::array<Counter, 3> requests;   // for IPv4 addresses, IPv6 addresses, services
    Counter cached;                    // those of them whose answer was known
    std::array<Counter, 8> responses;  // what came of the others: by NameFault, after those that were found

    void add(const ResolverMetrics& other, bool = true) {
        for (size_t i = 0; i < requests.size(); ++i) requests[i].add(other.requests[i].value());
        cached.add(other.cached.value());
        for (size_t i = 0; i < responses.size(); ++i) responses[i].add(other.responses[i].value());
    }
};

}  // namespace ringx

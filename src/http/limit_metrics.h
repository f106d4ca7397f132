// http/limit_metrics.h - what is counted of limits, by their zone: what they had to say about requests.
//
// Each limit that a request came to counts it once, by its own verdict: of several, one may let pass what the next
// refuses.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "base/counter.h"
#include "http/limits.h"
#include "http/report.h"

namespace ringx::http {

struct LimitMetrics {
    static constexpr std::string_view kind = "limit";
    static constexpr size_t gauges = 0;

    std::array<Counter, static_cast<size_t>(LimitVerdict::rejected_dry_run) + 1> requests;  // by verdict

    void add(const LimitMetrics& other, bool = true) {
        for (size_t i = 0; i < requests.size(); ++i) requests[i].add(other.requests[i].value());
    }
};

// Counts the requests of a zone in this worker.
class LimitCount {
 public:
    void count(Request& request, const NamedZone& zone, LimitVerdict verdict);

 private:
    LimitMetrics* own_ = nullptr;  // there from the first request on
};

// Those of the zones with this use; `verdicts` are what such a limit may say.
void tell_limits(Report& report, Request& request, const Section& section, std::string_view use,
                 std::span<const LimitVerdict> verdicts);

}  // namespace ringx::http

#include "http/limit_metrics.h"

#include "base/format.h"

namespace ringx::http {
namespace {

constexpr Figure requests_by_verdict{"requests", "requests_total", Figure::Type::counter,
                                     "Requests that came to the limit, by what it had to say."};

constexpr std::string_view verdict_names[] = {
    "", "passed", "delayed", "rejected", "delayed_dry_run", "rejected_dry_run",
};
static_assert(std::size(verdict_names) == std::tuple_size_v<decltype(LimitMetrics::requests)>);

// Zones of several uses may have had one name, one after the other.
std::string metrics_name(std::string_view use, std::string_view zone) { return text::format("{}/{}", use, zone); }

}  // namespace

void LimitCount::count(Request& request, const NamedZone& zone, LimitVerdict verdict) {
    if (own_ == nullptr) own_ = &request.worker->metrics.own<LimitMetrics>(metrics_name(zone.use, zone.name));
    own_->requests[static_cast<size_t>(verdict)].add(1);
}

void tell_limits(Report& report, Request& request, const Section& section, std::string_view use,
                 std::span<const LimitVerdict> verdicts) {
    const Metrics& metrics = request.worker->metrics.all();
    report.begin(section);
    for (const auto& zone : named_zones.in(*request.block).all()) {
        if (zone->use != use) continue;
        report.thing(zone->name);
        LimitMetrics sum = metrics.sum<LimitMetrics>(metrics_name(use, zone->name));
        for (LimitVerdict verdict : verdicts) {
            auto index = static_cast<size_t>(verdict);
            report.part(requests_by_verdict, "verdict", verdict_names[index], sum.requests[index].value());
        }
    }
    report.end();
}

}  // namespace ringx::http

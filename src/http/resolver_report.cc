#include "http/resolver_report.h"

#include <iterator>

#include "http/site.h"
#include "http/status_zones.h"
#include "net/resolver_metrics.h"

namespace ringx::http {
namespace {

using enum Figure::Type;

constexpr Section all_section{"resolver", "resolver_", ""};
constexpr Section zones_section{"resolver_zones", "resolver_zone_", "zone"};
constexpr Figure requests{"requests", "requests_total", counter, "Questions about names, by what was asked for."};
constexpr Figure cached{"cached", "cached_total", counter, "Questions whose answer was known."};
constexpr Figure responses{"responses", "responses_total", counter, "What came of the other questions."};

constexpr std::string_view type_names[] = {"ipv4", "ipv6", "srv"};
static_assert(std::size(type_names) == std::tuple_size_v<decltype(ResolverMetrics::requests)>);

constexpr std::string_view result_names[] = {
    "noerror", "formerr", "servfail", "nxdomain", "notimp", "refused", "timedout", "cancelled",
};
static_assert(std::size(result_names) == std::tuple_size_v<decltype(ResolverMetrics::responses)>);

void tell(Report& report, const ResolverMetrics& metrics) {
    for (size_t i = 0; i < std::size(type_names); ++i) {
        report.part(requests, "type", type_names[i], metrics.requests[i].value());
    }
    report.value(cached, metrics.cached.value());
    for (size_t i = 0; i < std::size(result_names); ++i) {
        report.part(responses, "result", result_names[i], metrics.responses[i].value());
    }
}

}  // namespace

void tell_resolver(Report& report, Request& request) {
    const Metrics& metrics = request.worker->metrics.all();
    report.begin(all_section);
    tell(report, metrics.sum<ResolverMetrics>(ResolverMetrics::all));
    report.end();
    report.begin(zones_section);
    for (const std::string& zone : request.server->site.status_zones().of_resolvers()) {
        report.thing(zone);
        tell(report, metrics.sum<ResolverMetrics>(ResolverMetrics::name(zone)));
    }
    report.end();
}

}  // namespace ringx::http

#include "http/status_zones.h"

#include <algorithm>

namespace ringx::http {

constinit conf::Slot<StatusZones> status_zones{conf::http};
constinit conf::Slot<StatusSettings> status_settings;
const conf::Section status_zones_section{"status_zones", {}, &status_zones};

std::string StatusZone::metrics_name() const { return (of == Of::server ? "server/" : "location/") + name; }

StatusZone& StatusZones::use(StatusZone::Of of, std::string_view name) {
    auto known = std::ranges::find_if(zones_, [&](const auto& zone) { return zone->of == of && zone->name == name; });
    if (known != zones_.end()) return **known;
    wanted_ = true;
    return *zones_.emplace_back(std::make_unique<StatusZone>(std::string(name), of));
}

void StatusZones::use_of_upstream(std::string_view name) {
    of_upstreams_.emplace(name);
    wanted_ = true;
}

void StatusZones::adopt(Metrics::Writer& metrics) const {
    for (const auto& zone : zones_) zone->own = &metrics.own<RequestMetrics>(zone->metrics_name());
}

}  // namespace ringx::http

// http/status_zones.h - the zones of `status_zone`: names under which requests are counted.
//
// Several servers, or locations, may share one. All of a configuration lie in its http block.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "conf/language.h"
#include "http/request_metrics.h"
#include "net/tls_metrics.h"

namespace ringx::http {

struct StatusZone {
    static constexpr size_t name_bytes_max = 255;
    static bool is_name(std::string_view text) { return !text.empty() && text.size() <= name_bytes_max; }

    enum class Of : uint8_t { server, location };
    std::string name;
    Of of;
    RequestMetrics* own = nullptr;  // this worker's; there from when the generation serves
    TlsMetrics* tls = nullptr;      // the same; null where none of its servers speaks TLS

    // What the sum is called in the metrics.
    std::string metrics_name() const;
};

class StatusZones {
 public:
    // The zone of that name, a new one if there is none.
    StatusZone& use(StatusZone::Of of, std::string_view name);
    // Somebody reports figures, so requests are counted.
    void want() { wanted_ = true; }
    bool wanted() const { return wanted_; }

    std::span<const std::unique_ptr<StatusZone>> all() const { return zones_; }

    // Those of `resolver`; they count what net/resolver_metrics.h says.
    void use_of_resolver(std::string_view name) { of_resolvers_.emplace(name); }
    const std::set<std::string>& of_resolvers() const { return of_resolvers_; }
    // Those of upstream blocks; they count what net/peer_metrics.h says.
    void use_of_upstream(std::string_view name);
    const std::set<std::string>& of_upstreams() const { return of_upstreams_; }

    // Gives each its place in this worker.
    void adopt(Metrics::Writer& metrics) const;

 private:
    std::vector<std::unique_ptr<StatusZone>> zones_;
    std::set<std::string> of_resolvers_, of_upstreams_;
    bool wanted_ = false;
};

// Where a request is counted, besides in its worker. The directive is modules/metrics.
struct StatusSettings {
    Setting<StatusZone*> server;    // null: nowhere
    Setting<StatusZone*> location;
};

extern constinit conf::Slot<StatusZones> status_zones;
extern constinit conf::Slot<StatusSettings> status_settings;
extern const conf::Section status_zones_section;

}  // namespace ringx::http

#include "http/upstream_report.h"

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "event/next_turn.h"
#include "http/site.h"
#include "http/status_zones.h"
#include "http/upstream.h"

namespace ringx::http {
namespace {

using enum Figure::Type;

constexpr Section servers_section{"upstreams", "upstream_server_", "server"};
constexpr Section zones_section{"upstream_zones", "upstream_zone_", "zone"};
constexpr Figure active{"active", "connections_active", gauge, "Connections to it with a request under way."};
constexpr Figure weight{"weight", "weight", gauge, "Its part of the requests."};
constexpr Figure state_now{"state", "state", gauge, "Whether requests are passed to it, and why not."};
constexpr Figure requests{"requests", "requests_total", counter, "Requests that were passed to it."};
constexpr Figure responses{"responses", "responses_total", counter, "Its responses, by class of their status."};
constexpr Figure failed{"failed", "failed_total", counter, "Tries that counted against it."};
constexpr Figure retries{"retries", "retries_total", counter, "Tries after which the next server was tried."};
constexpr Figure received{"received_bytes", "received_bytes_total", counter, "Bytes that came from it."};
constexpr Figure sent{"sent_bytes", "sent_bytes_total", counter, "Bytes that were sent to it."};
constexpr Figure checks{"checks", "checks_total", counter, "Checks of its health."};
constexpr Figure failed_checks{"failed_checks", "checks_failed_total", counter, "Checks of its health that failed."};
constexpr Figure connect_time{"connect_seconds", "connect_duration_seconds", counter, "How long connecting took."};
constexpr Figure header_time{"header_seconds", "header_duration_seconds", counter, "Until its response began."};
constexpr Figure response_time{"response_seconds", "response_duration_seconds", counter, "Until its response ended."};

constexpr std::string_view class_names[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

void tell_counted(Report& report, const PeerMetrics& counted) {
    report.value(requests, counted.requests.value());
    for (size_t i = 0; i < std::size(class_names); ++i) {
        report.part(responses, "class", class_names[i], counted.responses[i].value());
    }
    report.value(failed, counted.failed.value());
    report.value(retries, counted.retries.value());
    report.value(received, counted.received_bytes.value());
    report.value(sent, counted.sent_bytes.value());
    report.value(checks, counted.checks.value());
    report.value(failed_checks, counted.failed_checks.value());
    report.seconds(connect_time, counted.connect_us);
    report.seconds(header_time, counted.header_us);
    report.seconds(response_time, counted.response_us);
}

// An address may stand more than once in a group, and hosts of one name with several ports are groups of one name.
using Told = std::set<std::pair<std::string, std::string>>;

void tell_group(Report& report, Request& request, const std::shared_ptr<const PeerGroup>& group, Told& told) {
    std::shared_ptr<PeerRoster> roster = worker_peers(request).roster(group);
    uint64_t now_ms = request.worker->clock.now_ms();
    const Metrics& metrics = request.worker->metrics.all();
    for (size_t i = 0; i < roster->peers().size(); ++i) {
        const ringx::Peer& peer = roster->peers()[i];
        if (!told.emplace(group->name, peer.text).second) continue;
        PeerState state = roster->state(i, now_ms);
        report.owned_thing("upstream", group->name, peer.text);
        report.words(state_now, "state", peer_state_name(peer, state, now_ms));
        report.value(weight, peer.rules.weight);
        report.value(active, state.connections);
        const PeerMetrics& own = *peer.counts.own;
        tell_counted(report, metrics.counts_others(own) ? PeerMetrics() : metrics.sum(own));
    }
}

// What zones have found no room count together, and are told as one.
Task<void> tell_upstream_zones(Report& report, Request& request) {
    Metrics::Writer& metrics = request.worker->metrics;
    const PeerZoneMetrics* of_others = nullptr;
    auto tell = [&](std::string_view name, const PeerZoneMetrics& own) {
        report.thing(name);
        tell_counted(report, metrics.all().sum(own));
    };
    report.begin(zones_section);
    for (const std::string& zone : request.server->site.status_zones().of_upstreams()) {
        const PeerZoneMetrics& own = metrics.own<PeerZoneMetrics>(zone);
        if (metrics.all().counts_others(own)) of_others = &own;
        else tell(zone, own);
        co_await NextTurn(request.worker->loop);
    }
    if (of_others != nullptr) tell(Metrics::others, *of_others);
    report.end();
}

}  // namespace

std::string_view peer_state_name(const ringx::Peer& peer, const PeerState& state, uint64_t now_ms) {
    if (peer.rules.down) return "down";
    if (peer.rules.drain) return "draining";
    if (state.unhealthy != 0) return state.checked == 0 ? "checking" : "unhealthy";
    PeerState copy = state;
    return is_available({.rules = &peer.rules, .state = &copy}, now_ms) ? "up" : "unavailable";
}

Task<void> tell_upstreams(Report& report, Request& request) {
    report.begin(servers_section);
    Told told;
    for (const Upstream* upstream : request.server->site.upstreams().all()) {
        tell_group(report, request, upstream->group, told);
        co_await NextTurn(request.worker->loop);
    }
    report.end();
    co_await tell_upstream_zones(report, request);
}

}  // namespace ringx::http

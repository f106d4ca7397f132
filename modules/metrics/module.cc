// modules/metrics/module.cc - what the server counts, for Prometheus: `metrics`, and what to count: `status_zone`.
//
// A request is counted when it is logged: in its worker, in the zone of its server, and in that of the location where
// its processing has ended. What has become a tunnel is counted when that ends, with all its bytes.
#include <memory>

#include "base/clock.h"
#include "base/format.h"
#include "http/core_settings.h"
#include "http/module.h"
#include "http/prometheus_answer.h"
#include "http/status_zones.h"
#include "http/upstream_tries.h"
#include "net/peer_metrics.h"

namespace ringx::http {
namespace {

void set_zone(StatusSettings& settings, conf::Binding& binding) {
    const conf::Word& word = binding.words()[0];
    bool is_server = binding.block().context() == conf::server;
    Setting<StatusZone*>& zone = is_server ? settings.server : settings.location;
    if (zone.given) return binding.duplicate();
    if (word.text == "off") return zone.give(nullptr);
    if (!StatusZone::is_name(word.text)) {
        return binding.mistake(word, text::format("invalid zone name \"{}\"", word.text));
    }
    auto of = is_server ? StatusZone::Of::server : StatusZone::Of::location;
    zone.give(&status_zones.in(binding.block()).use(of, word.text));
}

// --- counting

void count_try(const UpstreamTry& one, PeerMetrics& metrics) {
    metrics.requests.add(1);
    size_t status_class = one.status / 100u - 1u;
    if (one.header_us && status_class < metrics.responses.size()) metrics.responses[status_class].add(1);
    metrics.received_bytes.add(one.bytes_received);
    metrics.sent_bytes.add(one.bytes_sent);
    if (one.connect_us) metrics.connect_us.add(*one.connect_us);
    if (one.header_us) metrics.header_us.add(*one.header_us);
    if (one.next != nullptr && !one.next->begins_group) metrics.retries.add(1);
}

void count_response_time(const UpstreamTry& one, PeerMetrics& metrics) {
    if (one.header_us && one.response_us) metrics.response_us.add(*one.response_us);
}

uint64_t ended_us(WorkerParts& worker) {
    if (worker.ended_us == 0) worker.ended_us = Clock::read_us();
    return worker.ended_us;
}

void count_tries(Request& request, bool with_tunnel = false) {
    const UpstreamTries* tries = request.states.find<UpstreamTries>();
    if (tries == nullptr) return;
    for (const UpstreamTry* one = tries->first(); one != nullptr; one = one->next) {
        bool is_tunnel = with_tunnel && one->next == nullptr;
        one->counts.each([=](PeerMetrics& metrics) {
            count_try(*one, metrics);
            if (!is_tunnel) count_response_time(*one, metrics);
        });
    }
}

void count(Request& request) {
    uint64_t ended = ended_us(*request.worker);
    const StatusSettings& ours = status_settings.in(*request.block);
    request.worker->all_requests.count(request, ended);
    count_tries(request);
    if (*ours.server != nullptr) (*ours.server)->own->count(request, ended);
    if (*ours.location != nullptr) (*ours.location)->own->count(request, ended);
}

// What counts a tunnel; the generation that has said so may be gone by then.
class TunnelCount final : public Outlasting {
 public:
    explicit TunnelCount(const StatusSettings& settings) {
        if (*settings.server != nullptr) zones_[0] = (*settings.server)->own;
        if (*settings.location != nullptr) zones_[1] = (*settings.location)->own;
    }
    void log(Request& request) override {
        request.worker->all_requests.count_tunnel(request);
        count_tries(request, true);
        for (RequestMetrics* zone : zones_) {
            if (zone != nullptr) zone->count_tunnel(request);
        }
    }

 private:
    RequestMetrics* zones_[2] = {};
};

bool applies(const conf::Block& block) { return status_zones.in(block).wanted(); }

std::unique_ptr<Outlasting> outlast(Request& request) {
    if (!applies(*request.block)) return nullptr;
    return std::make_unique<TunnelCount>(status_settings.in(*request.block));
}

// --- telling

Answer respond(Request& request) {
    if (request.method() != Method::get && !request.is_head()) return Answer::of_status(405);
    return Answer::later(answer_prometheus(request));
}

void set_metrics(StatusSettings&, conf::Binding& binding) {
    core_settings.in(binding.block()).handler = respond;
    status_zones.in(binding.block()).want();
}

constexpr conf::Directive directives[] = {
    conf::custom<&set_metrics>("metrics", conf::location, {0, 0}, "Answer with all figures, as Prometheus reads them."),
    conf::custom<&set_zone, &StatusSettings::server, &StatusSettings::location>(
        "status_zone", conf::server | conf::location | conf::if_in_location, {1, 1},
        "Count requests under this name.").shown_as("zone | off"),
};

}  // namespace

extern constinit const Module metrics_module = {
    .name = "metrics",
    .directives = directives,
    .settings = &status_settings,
    .applies = applies,
    .log = count,
    .outlast = outlast,
};

}  // namespace ringx::http

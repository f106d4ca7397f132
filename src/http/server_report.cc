#include "http/server_report.h"

#include <memory>

#include "base/counters.h"
#include "event/engine.h"
#include "event/next_turn.h"
#include "http/module.h"
#include "http/request_metrics.h"
#include "http/site.h"
#include "http/status_zones.h"
#include "http/upstream_report.h"
#include "http/version.h"

namespace ringx::http {
namespace {

using enum Figure::Type;

// So many zones are told in one turn.
constexpr size_t zones_in_turn = 32;

constexpr Section build_section{"server", "", ""};
constexpr Figure version{"version", "build_info", gauge, "What runs."};

constexpr Section workers_section{"workers", "worker_", "worker"};
constexpr Figure accepted{"accepted", "connections_accepted_total", counter, "Connections that were accepted."};
constexpr Figure handled{"handled", "connections_handled_total", counter, "Connections that were served."};
constexpr Figure began{"requests", "requests_begun_total", counter, "Requests whose head has been read."};
constexpr Figure connections{"connections", "connections", gauge, "Connections that are open, by what they do."};

constexpr Section engines_section{"engines", "engine_", "worker"};
constexpr Figure waits{"waits", "waits_total", counter, "Times a worker looked for what has come."};
constexpr Figure completions{"completions", "completions_total", counter, "Operations that have ended."};
constexpr Figure busy_turns{"busy_turns", "busy_turns_total", counter, "Turns of the loop that had something to do."};
constexpr Figure largest_turn{"completions_p99", "completions_p99", gauge,
                              "Operations that ended in a turn, but for one turn in a hundred."};
constexpr Figure turns{"turn_seconds", "turn_duration_seconds", counter,
                       "How long turns took: who comes meanwhile waits for as long."};
constexpr Figure parks{"buffer_parks", "buffer_parks_total", counter, "Receives that had to wait for a buffer."};
constexpr Figure overflows{"overflows", "overflows_total", counter, "Times the completion queue overflowed."};
constexpr Figure submit_full{"submit_full", "submit_full_total", counter, "Times the submission queue was full."};

constexpr Section http_section{"http", "http_", "worker"};
constexpr Section server_zones{"server_zones", "server_zone_", "zone"};
constexpr Section location_zones{"location_zones", "location_zone_", "zone"};

void tell_workers(Report& report, const Metrics& metrics) {
    report.begin(workers_section);
    metrics.for_each<Counters>([&report](std::string_view name, const Counters& worker) {
        report.thing(name);
        report.part(connections, "state", "active", worker.active.value());
        report.part(connections, "state", "reading", worker.reading.value());
        report.part(connections, "state", "writing", worker.writing.value());
        report.part(connections, "state", "waiting", worker.waiting());
        report.value(accepted, worker.accepted.value());
        report.value(handled, worker.handled.value());
        report.value(began, worker.requests.value());
    });
    report.end();
}

void tell_engines(Report& report, const Metrics& metrics) {
    report.begin(engines_section);
    metrics.for_each<EngineCounters>([&report](std::string_view name, const EngineCounters& engine) {
        report.thing(name);
        report.value(waits, engine.waits.value());
        report.value(busy_turns, engine.completions.count());
        report.value(completions, engine.completions.sum());
        report.value(largest_turn, engine.completions.quantile(0.99));
        report.value(parks, engine.buffer_parks.value());
        report.value(overflows, engine.overflows.value());
        report.value(submit_full, engine.submit_full.value());
        report.seconds(turns, engine.turn_us);
    });
    report.end();
}

void tell_requests(Report& report, const Metrics& metrics) {
    constexpr std::string_view of_workers = "worker/";
    report.begin(http_section);
    metrics.for_each<RequestMetrics>([&](std::string_view name, const RequestMetrics& requests) {
        if (!name.starts_with(of_workers)) return;
        report.thing(name.substr(of_workers.size()));
        requests.tell(report);
    });
    report.end();
}

Task<void> tell_zones(Report& report, Request& request, const Section& section, StatusZone::Of of) {
    const Metrics& metrics = request.worker->metrics.all();
    size_t told = 0;
    report.begin(section);
    for (const auto& zone : request.server->site.status_zones().all()) {
        if (zone->of != of) continue;
        report.thing(zone->name);
        metrics.sum<RequestMetrics>(zone->metrics_name()).tell(report);
        if (++told % zones_in_turn == 0) co_await NextTurn(request.worker->loop);
    }
    report.end();
}

}  // namespace

Task<void> tell_all(Report& report, Request& request) {
    const Metrics& metrics = request.worker->metrics.all();
    report.begin(build_section);
    report.words(version, "version", RINGX_VERSION);
    report.end();
    tell_workers(report, metrics);
    tell_engines(report, metrics);
    tell_requests(report, metrics);
    co_await tell_zones(report, request, server_zones, StatusZone::Of::server);
    co_await tell_zones(report, request, location_zones, StatusZone::Of::location);
    co_await tell_upstreams(report, request);
    for (const Module* module : modules()) {
        if (module->tell != nullptr) module->tell(report, request);
    }
}

}  // namespace ringx::http

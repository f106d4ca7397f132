#include "http/server_report.h"

#include <memory>

#include "base/counters.h"
#include "base/format.h"
#include "base/run_state.h"
#include "event/engine.h"
#include "event/next_turn.h"
#include "http/module.h"
#include "http/process_report.h"
#include "http/request_metrics.h"
#include "http/resolver_report.h"
#include "http/site.h"
#include "http/status_zones.h"
#include "http/tls_report.h"
#include "http/upstream_report.h"
#include "http/version.h"

namespace ringx::http {
namespace {

using enum Figure::Type;

// So many zones are told in one turn.
constexpr size_t zones_in_turn = 32;

constexpr Section build_section{"server", "", ""};
constexpr Figure version{"version", "build_info", gauge, "What runs."};
constexpr Figure phase{"state", "state", gauge, "What the server is doing: starting, serving, reloading or quitting."};
constexpr Figure started{"started_seconds", "start_time_seconds", gauge, "When it was started, since 1970."};
constexpr Figure generation{"generation", "generation", gauge, "Number of the configuration in force, from 1."};
constexpr Figure in_force{"generation_seconds", "generation_start_time_seconds", gauge,
                          "When that configuration was put in force, since 1970."};
constexpr Figure reloads{"reloads", "reloads_total", counter, "Reloads, by what became of them."};
constexpr Figure reload_success{"last_reload_success", "last_reload_success", gauge,
                                "Whether the last reload, or the start, was good: 1, otherwise 0."};
constexpr Figure reload_time{"last_reload_seconds", "last_reload_time_seconds", gauge,
                             "When the last reload, or the start, was over, since 1970."};
constexpr Figure wanted{"workers_wanted", "workers_wanted", gauge, "Workers the configuration wants."};
constexpr Figure alive{"workers_alive", "workers_alive", gauge, "Workers of these that live."};
constexpr Figure serving{"workers_serving", "workers_serving", gauge, "Workers of these that serve."};
constexpr Figure leaving{"workers_leaving", "workers_leaving", gauge, "Workers that end when their requests have."};

constexpr Section engine_section{"engine", "engine_", "kind"};
constexpr Figure engine_reason{"reason", "info", gauge, "The engine that was chosen for the workers, and why."};

constexpr Section workers_section{"workers", "worker_", "worker"};
constexpr Figure accepted{"accepted", "connections_accepted_total", counter, "Connections that were accepted."};
constexpr Figure handled{"handled", "connections_handled_total", counter, "Connections that were served."};
constexpr Figure began{"requests", "requests_begun_total", counter, "Requests whose head has been read."};
constexpr Figure connections{"connections", "connections", gauge, "Connections that are open, by what they do."};

constexpr Section engines_section{"engines", "engine_", "worker"};
constexpr Figure waits{"waits", "waits_total", counter, "Times a worker looked for what has come."};
constexpr Figure completions{"completions", "completions_total", counter, "Operations that have ended."};
constexpr Figure busy_turns{"busy_turns", "busy_turns_total", counter, "Turns of the loop in which operations ended."};
constexpr Figure largest_turn{"completions_p99", "completions_p99", gauge,
                              "Operations that ended in a turn, but for one turn in a hundred."};
constexpr Figure turns{"turn_seconds", "turn_duration_seconds", counter,
                       "How long turns took: who comes meanwhile waits for as long."};
constexpr Figure parks{"buffer_parks", "buffer_parks_total", counter, "Receives that had to wait for a buffer."};
constexpr Figure overflows{"overflows", "overflows_total", counter, "Times the completion queue overflowed."};
constexpr Figure submit_full{"submit_full", "submit_full_total", counter, "Times the submission queue was full."};

constexpr Section http_section{"http", "http_", "worker"};
constexpr Section tls_section{"tls", "tls_", "worker"};
constexpr Section tls_zones{"tls_zones", "tls_zone_", "zone"};
constexpr Section server_zones{"server_zones", "server_zone_", "zone"};
constexpr Section location_zones{"location_zones", "location_zone_", "zone"};

// What zones have is of the same kinds, and there may be thousands of them: workers are found by what they alone have.
template <typename Visit>
void for_each_worker(const Metrics& metrics, Visit visit) {
    metrics.for_each<Counters>([&](std::string_view name, const Counters&) { visit(name); });
}

double in_seconds(uint64_t milliseconds) { return static_cast<double>(milliseconds) / 1000; }

void tell_run(Report& report, const RunState::Facts& facts) {
    report.words(phase, "state", phase_name(facts.phase));
    report.real(started, in_seconds(facts.started_ms));
    report.value(generation, facts.generation);
    report.real(in_force, in_seconds(facts.generation_ms));
    report.part(reloads, "result", "good", facts.reloads_good);
    report.part(reloads, "result", "failed", facts.reloads_failed);
    report.value(reload_success, facts.last_reload_good);
    report.real(reload_time, in_seconds(facts.last_reload_ms));
    report.value(wanted, facts.workers_wanted);
    report.value(alive, facts.workers_alive);
    report.value(serving, facts.workers_serving);
    report.value(leaving, facts.workers_leaving);
}

void tell_server(Report& report, const RunState* run_state) {
    RunState::Facts facts;
    if (run_state != nullptr) facts = run_state->read();
    report.begin(build_section);
    report.words(version, "version", RINGX_VERSION);
    tell_run(report, facts);
    report.end();
    report.begin(engine_section);
    report.thing(facts.engine.view());
    report.words(engine_reason, "reason", facts.engine_reason.view());
    report.end();
}

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
    report.begin(http_section);
    for_each_worker(metrics, [&](std::string_view name) {
        report.thing(name);
        metrics.sum<RequestMetrics>(text::format("worker/{}", name)).tell(report);
    });
    report.end();
}

void tell_handshakes(Report& report, const Metrics& metrics) {
    report.begin(tls_section);
    for_each_worker(metrics, [&](std::string_view name) {
        report.thing(name);
        tell_tls(report, metrics.sum<TlsMetrics>(text::format("worker/{}", name)));
    });
    report.end();
}

void tell_zone(Report& report, const Metrics& metrics, std::string_view name, const StatusZone& zone) {
    report.thing(name);
    RequestMetrics sum = metrics.sum(*zone.own);
    if (zone.of == StatusZone::Of::server) sum.tell_processing(report);
    sum.tell(report);
}

// Zones that found no room count together, and are told as one.
Task<void> tell_zones(Report& report, Request& request, const Section& section, StatusZone::Of of) {
    const Metrics& metrics = request.worker->metrics.all();
    const StatusZone* one_of_others = nullptr;
    size_t told = 0;
    report.begin(section);
    for (const auto& zone : request.server->site.status_zones().all()) {
        if (zone->of != of) continue;
        if (metrics.counts_others(*zone->own)) one_of_others = zone.get();
        else tell_zone(report, metrics, zone->name, *zone);
        if (++told % zones_in_turn == 0) co_await NextTurn(request.worker->loop);
    }
    if (one_of_others != nullptr) tell_zone(report, metrics, Metrics::others, *one_of_others);
    report.end();
}

Task<void> tell_tls_zones(Report& report, Request& request) {
    const Metrics& metrics = request.worker->metrics.all();
    const TlsMetrics* of_others = nullptr;
    size_t told = 0;
    auto tell = [&](std::string_view name, const TlsMetrics& own) {
        report.thing(name);
        tell_tls(report, metrics.sum(own));
    };
    report.begin(tls_zones);
    for (const auto& zone : request.server->site.status_zones().all()) {
        if (zone->tls == nullptr) continue;
        if (metrics.counts_others(*zone->tls)) of_others = zone->tls;
        else tell(zone->name, *zone->tls);
        if (++told % zones_in_turn == 0) co_await NextTurn(request.worker->loop);
    }
    if (of_others != nullptr) tell(Metrics::others, *of_others);
    report.end();
}

}  // namespace

Task<void> tell_all(Report& report, Request& request) {
    const Metrics& metrics = request.worker->metrics.all();
    tell_server(report, request.worker->run_state);
    co_await tell_processes(report, request);
    tell_workers(report, metrics);
    tell_engines(report, metrics);
    tell_requests(report, metrics);
    tell_handshakes(report, metrics);
    tell_resolver(report, request);
    co_await tell_zones(report, request, server_zones, StatusZone::Of::server);
    co_await tell_zones(report, request, location_zones, StatusZone::Of::location);
    co_await tell_tls_zones(report, request);
    co_await tell_upstreams(report, request);
    for (const Module* module : modules()) {
        if (module->tell != nullptr) module->tell(report, request);
    }
}

}  // namespace ringx::http

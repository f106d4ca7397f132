#include "http/process_report.h"

#include <string>
#include <utility>
#include <vector>

#include "base/process_metrics.h"
#include "event/next_turn.h"

namespace ringx::http {
namespace {

using enum Figure::Type;

constexpr Section section{"processes", "process_", "process"};
constexpr Figure id{"pid", "pid", gauge, "Its number."};
constexpr Figure resident{"resident_memory_bytes", "resident_memory_bytes", gauge,
                          "Memory it has, what it shares with others included."};
constexpr Figure descriptors{"open_fds", "open_fds", gauge, "Descriptors it has open."};
constexpr Figure cpu{"cpu_seconds", "cpu_seconds_total", counter, "CPU time it has used."};
constexpr Figure started{"start_time_seconds", "start_time_seconds", gauge, "When it began, in seconds since 1970."};

void tell_process(Report& report, std::string_view name, const ProcessMetrics& process) {
    auto use = read_process_use(static_cast<pid_t>(process.id.value()));
    if (!use) return;
    report.thing(name);
    report.value(id, process.id.value());
    report.real(started, static_cast<double>(process.started_ms.value()) / 1000);
    report.real(cpu, use->cpu_seconds);
    report.value(resident, use->resident_bytes);
    if (use->descriptors) report.value(descriptors, *use->descriptors);
}

}  // namespace

Task<void> tell_processes(Report& report, Request& request) {
    std::vector<std::pair<std::string, ProcessMetrics>> living;
    request.worker->metrics.all().for_each<ProcessMetrics>([&](std::string_view name, const ProcessMetrics& process) {
        if (process.id.value() != 0) living.emplace_back(name, process);
    });
    report.begin(section);
    for (const auto& [name, process] : living) {
        tell_process(report, name, process);
        co_await NextTurn(request.worker->loop);
    }
    report.end();
}

}  // namespace ringx::http

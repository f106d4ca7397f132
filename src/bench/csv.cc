#include "bench/csv.h"

#include <vector>

#include "base/format.h"
#include "bench/quantiles.h"

namespace ringx::bench {
namespace {

struct Cell {
    std::string name;
    std::string value;
};

std::string quoted(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == text.npos) return std::string(text);
    std::string out = "\"";
    for (char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

std::string urls_text(const Options& options) {
    std::string text;
    for (const Url& url : options.urls) text += (text.empty() ? "" : " ") + url.text();
    return text;
}

void add_parameters(std::vector<Cell>& cells, const Options& options) {
    auto add = [&](std::string_view name, auto value) {
        cells.push_back({std::string(name), text::format("{}", value)});
    };
    add("url", urls_text(options));
    add("method", options.method);
    add("connections", options.connections);
    add("threads", options.threads);
    add("pipeline", options.pipeline);
    add("close", options.close ? 1 : 0);
    add("rate", options.rate);
    add("requests_each", options.requests);
    add("duration_seconds", std::chrono::duration<double>(options.duration).count());
    add("timeout_seconds", std::chrono::duration<double>(options.timeout).count());
    add("body_bytes", options.body.size());
    add("headers", options.headers.size());
    add("resume", options.resume ? 1 : 0);
}

void add_latencies(std::vector<Cell>& cells, std::string_view name, const Histogram& histogram, uint64_t max_us) {
    for (const Quantile& quantile : quantiles) {
        cells.push_back({text::format("{}_{}_us", name, quantile.name),
                         text::format("{}", quantile_us(histogram, quantile.part, max_us))});
    }
    cells.push_back({text::format("{}_max_us", name), text::format("{}", max_us)});
}

void add_results(std::vector<Cell>& cells, const RunResult& result) {
    const Tally& tally = *result.tally;
    auto add = [&](std::string_view name, auto value) {
        cells.push_back({std::string(name), text::format("{}", value)});
    };
    add("engine", result.engine);
    add("seconds", result.seconds);
    add("answers", tally.answers.value());
    add("per_second", result.per_second());
    add("bytes_in", tally.bytes_in.value());
    add("bytes_out", tally.bytes_out.value());
    add("connections_made", tally.connections.value());
    add("tls_resumed", tally.resumed.value());
    for (unsigned family = 1; family <= 5; ++family) {
        uint64_t count = 0;
        for (unsigned status = family * 100; status < (family + 1) * 100; ++status) {
            count += tally.by_status[status].value();
        }
        add(text::format("status_{}xx", family), count);
    }
    add("failures", tally.failures.value());
    for (size_t kind = 0; kind < failure_words.size(); ++kind) {
        add(text::format("failures_{}", failure_words[kind].name), tally.by_failure[kind].value());
    }
    add("given_up", tally.given_up.value());
    add("unsent", tally.unsent.value());
    add_latencies(cells, "latency", tally.latency_us, tally.latency_max_us.value());
    add_latencies(cells, "service", tally.service_us, tally.service_max_us.value());
    add("cpu_seconds", result.cpu_seconds);
    add("note", result.note);
}

std::vector<Cell> cells_of(const Machine& machine, const Outcome::Run& run, size_t number) {
    std::vector<Cell> cells;
    cells.push_back({"time", machine.time});
    cells.push_back({"run", text::format("{}", number)});
    cells.push_back({"side", std::string(run.side)});
    add_parameters(cells, *run.options);
    add_results(cells, run.result);
    cells.push_back({"cpu", machine.cpu});
    cells.push_back({"cpus", text::format("{}", machine.cpus)});
    cells.push_back({"memory_mb", text::format("{}", machine.memory_mb)});
    cells.push_back({"kernel", machine.kernel});
    cells.push_back({"openssl", machine.openssl});
    cells.push_back({"version", machine.version});
    cells.push_back({"load", text::format("{}", machine.load)});
    return cells;
}

std::string line_of(const std::vector<Cell>& cells, std::string Cell::* part) {
    std::string text;
    for (const Cell& cell : cells) text += (text.empty() ? "" : ",") + quoted(cell.*part);
    return text + "\n";
}

}  // namespace

std::string csv_header() {
    Options options;
    Outcome::Run run{"", &options, RunResult()};
    return line_of(cells_of(Machine(), run, 0), &Cell::name);
}

std::string csv_lines(const Outcome& outcome) {
    std::string text;
    for (size_t i = 0; i < outcome.runs.size(); ++i) {
        text += line_of(cells_of(outcome.machine, outcome.runs[i], i + 1), &Cell::value);
    }
    return text;
}

}  // namespace ringx::bench

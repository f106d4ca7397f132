#include "bench/json_record.h"

#include <string_view>

#include "base/format.h"
#include "bench/quantiles.h"
#include "bench/statistics.h"
#include "http/json_writer.h"

namespace ringx::bench {
namespace {

using http::JsonWriter;

double seconds_of(std::chrono::milliseconds time) { return std::chrono::duration<double>(time).count(); }

void write_parameters(JsonWriter& json, const Options& options) {
    json.key("parameters");
    json.begin_object();
    json.key("urls");
    json.begin_array();
    for (const Url& url : options.urls) json.string(url.text());
    json.end();
    json.member("method", options.method);
    json.key("headers");
    json.begin_array();
    for (const std::string& header : options.headers) json.string(header);
    json.end();
    json.member("body_bytes", options.body.size());
    json.member("connections", options.connections);
    json.member("threads", options.threads);
    json.member("pipeline", options.pipeline);
    json.member("close", options.close);
    json.member("open_loop", options.is_open_loop());
    json.member("rate", options.rate);
    json.member("requests_each", options.requests);
    json.member("duration_seconds", seconds_of(options.duration));
    json.member("timeout_seconds", seconds_of(options.timeout));
    json.member("tls", options.urls[0].tls);
    json.member("verify", options.verify);
    json.member("sni", options.sni);
    json.member("resume", options.resume);
    json.end();
}

void write_machine(JsonWriter& json, const Machine& machine) {
    json.key("machine");
    json.begin_object();
    json.member("cpu", machine.cpu);
    json.member("cpus", machine.cpus);
    json.member("memory_mb", machine.memory_mb);
    json.member("kernel", machine.kernel);
    json.member("openssl", machine.openssl);
    json.member("load", machine.load);
    json.end();
}

void write_latencies(JsonWriter& json, std::string_view name, const Histogram& histogram, uint64_t max_us) {
    json.key(name);
    json.begin_object();
    const uint64_t count = histogram.count();
    json.member("count", count);
    json.member("mean", count > 0 ? static_cast<double>(histogram.sum()) / static_cast<double>(count) : 0.0);
    for (const Quantile& quantile : quantiles) {
        json.member(quantile.name, quantile_us(histogram, quantile.part, max_us));
    }
    json.member("max", max_us);
    json.end();
}

void write_counts(JsonWriter& json, const Tally& tally) {
    json.member("answers", tally.answers.value());
    json.key("statuses");
    json.begin_object();
    for (size_t status = 0; status < tally.by_status.size(); ++status) {
        if (uint64_t count = tally.by_status[status].value(); count > 0) json.member(text::format("{}", status), count);
    }
    json.end();
    json.key("failures");
    json.begin_object();
    json.member("all", tally.failures.value());
    for (size_t kind = 0; kind < failure_words.size(); ++kind) {
        json.member(failure_words[kind].name, tally.by_failure[kind].value());
    }
    json.end();
    json.member("given_up", tally.given_up.value());
    json.member("unsent", tally.unsent.value());
    json.member("connections", tally.connections.value());
    json.member("tls_resumed", tally.resumed.value());
    json.member("bytes_in", tally.bytes_in.value());
    json.member("bytes_out", tally.bytes_out.value());
}

void write_series(JsonWriter& json, const Series& series) {
    json.key("over_time");
    json.begin_array();
    for (const Series::Point& point : series.points()) {
        json.begin_object();
        json.member("seconds", static_cast<double>(point.at_us) / 1e6);
        json.member("answers", point.answers);
        json.member("failures", point.failures);
        json.member("bytes_in", point.bytes_in);
        json.end();
    }
    json.end();
}

void write_run(JsonWriter& json, const Outcome::Run& run) {
    const RunResult& result = run.result;
    json.begin_object();
    if (!run.side.empty()) json.member("side", run.side);
    write_parameters(json, *run.options);
    json.member("engine", result.engine);
    json.member("seconds", result.seconds);
    json.member("cpu_seconds", result.cpu_seconds);
    json.member("note", result.note);
    json.member("requests_per_second", result.per_second());
    write_counts(json, *result.tally);
    write_latencies(json, "latency_us", result.tally->latency_us, result.tally->latency_max_us.value());
    if (run.options->is_open_loop()) {
        write_latencies(json, "service_us", result.tally->service_us, result.tally->service_max_us.value());
    }
    write_series(json, result.series);
    json.end();
}

void write_summary(JsonWriter& json, std::string_view name, const Summary& summary) {
    json.key(name);
    json.begin_object();
    json.member("median", summary.median);
    json.member("least", summary.least);
    json.member("most", summary.most);
    json.end();
}

void write_comparison(JsonWriter& json, const Outcome& outcome) {
    json.key("comparison");
    json.begin_object();
    for (const ComparedFigure& figure : compared_figures()) {
        std::vector<double> a = outcome.of_side("A", figure.of), b = outcome.of_side("B", figure.of);
        json.key(figure.name);
        json.begin_object();
        write_summary(json, "A", Summary::of(a));
        write_summary(json, "B", Summary::of(b));
        write_summary(json, "ratio", ratios(a, b));
        json.end();
    }
    json.end();
}

}  // namespace

std::string json_text(const Outcome& outcome) {
    JsonWriter json;
    json.begin_object();
    json.member("version", outcome.machine.version);
    json.member("time", outcome.machine.time);
    write_machine(json, outcome.machine);
    json.key("runs");
    json.begin_array();
    for (const Outcome::Run& run : outcome.runs) write_run(json, run);
    json.end();
    if (outcome.is_comparison()) write_comparison(json, outcome);
    json.end();
    return json.take() + "\n";
}

}  // namespace ringx::bench

#include "bench/report.h"

#include "base/format.h"
#include "bench/quantiles.h"

namespace ringx::bench {
namespace {

// Of one CPU for each thread: more, and the figures may be about this program.
constexpr double busy_max = 0.95;

std::string line(std::string_view name, std::string_view text) { return text::format("{:<12}{}\n", name, text); }

std::string latencies(const Histogram& histogram, uint64_t max_us) {
    if (max_us == 0 && histogram.count() == 0) return "none";
    std::string text;
    for (const Quantile& quantile : quantiles) {
        text += text::format("{} {}, ", quantile.name, duration_text(quantile_us(histogram, quantile.part, max_us)));
    }
    return text + text::format("max {}", duration_text(max_us));
}

std::string statuses(const Tally& tally) {
    std::string text;
    for (size_t status = 0; status < tally.by_status.size(); ++status) {
        uint64_t count = tally.by_status[status].value();
        if (count > 0) text += text::format("{}{}: {}", text.empty() ? "" : ", ", status, with_commas(count));
    }
    return text;
}

std::string failures(const Tally& tally) {
    std::string text;
    for (size_t kind = 0; kind < tally.by_failure.size(); ++kind) {
        uint64_t count = tally.by_failure[kind].value();
        if (count == 0) continue;
        const FailureWords& words = failure_words[kind];
        text += line(text.empty() ? "failures" : "", text::format("{} {}: {}", with_commas(count), words.name,
                                                                   words.meaning));
        if (!tally.examples[kind].empty() && tally.examples[kind] != words.meaning) {
            text += line("", text::format("  such as: {}", tally.examples[kind]));
        }
    }
    return text;
}

std::string warnings(const Options& options, const RunResult& result) {
    std::string text;
    if (!result.note.empty()) text += text::format("The run was {}.\n", result.note);
    if (uint64_t unsent = result.tally->unsent.value(); unsent > 0) {
        text += text::format("{} requests were due and never sent: all connections were busy. Latencies would be "
                             "worse with them.\n", with_commas(unsent));
    }
    if (result.seconds > 0 && result.cpu_seconds / result.seconds > busy_max * options.threads) {
        text += "bench was busy all the time: it may be the limit, and not the server. More --threads would tell.\n";
    }
    return text;
}

}  // namespace

std::string report(const Options& options, const RunResult& result) {
    const Tally& tally = *result.tally;
    std::string text;
    for (const Url& url : options.urls) text += url.text() + "\n";
    text += text::format("{}, {}: {:.2f} s\n\n", load_words(options), result.engine, result.seconds);
    text += line("requests", text::format("{}, {}/s", with_commas(tally.answers.value()),
                                          with_commas(static_cast<uint64_t>(result.per_second()))));
    auto volume = [&](std::string_view name, uint64_t bytes) {
        double all = static_cast<double>(bytes);
        double seconds = std::max(result.seconds, 1e-6);
        text += line(name, text::format("{}, {}/s", bytes_text(all), bytes_text(all / seconds)));
    };
    volume("received", tally.bytes_in.value());
    volume("sent", tally.bytes_out.value());
    text += line("status", tally.answers.value() > 0 ? statuses(tally) : "none");
    text += failures(tally);
    if (uint64_t count = tally.given_up.value(); count > 0) {
        text += line("given up", text::format("{} that were not answered when the run ended", with_commas(count)));
    }
    std::string resumed = tally.resumed.value() > 0
        ? text::format(", {} TLS sessions resumed", with_commas(tally.resumed.value())) : std::string();
    text += line("connections", with_commas(tally.connections.value()) + resumed);
    text += line("latency", latencies(tally.latency_us, tally.latency_max_us.value()));
    if (options.is_open_loop()) {
        text += line("", "since each request was due; since it was sent:");
        text += line("", latencies(tally.service_us, tally.service_max_us.value()));
    }
    text += line("CPU", text::format("{:.0f} % of one, {:.2f} us a request", result.cpu_seconds /
                                     std::max(result.seconds, 1e-6) * 100, result.cpu_seconds * 1e6 /
                                     static_cast<double>(std::max<uint64_t>(tally.answers.value(), 1))));
    std::string warned = warnings(options, result);
    return warned.empty() ? text : text + "\n" + warned;
}

std::string load_words(const Options& options) {
    auto many = [](uint64_t count, std::string_view what) {
        return text::format("{} {}{}", with_commas(count), what, count == 1 ? "" : "s");
    };
    std::string text = many(options.connections, "connection") + ", " + many(options.threads, "thread");
    if (options.pipeline > 1) text += text::format(", pipelined {}", options.pipeline);
    if (options.close) text += ", one request each";
    if (options.is_open_loop()) text += text::format(", open loop at {:g} requests/s", options.rate);
    else text += ", closed loop";
    return text;
}

std::string duration_text(uint64_t us) {
    if (us < 1000) return text::format("{} us", us);
    if (us < 10'000) return text::format("{:.2f} ms", static_cast<double>(us) / 1e3);
    if (us < 100'000) return text::format("{:.1f} ms", static_cast<double>(us) / 1e3);
    if (us < 1'000'000) return text::format("{} ms", us / 1000);
    return text::format("{:.2f} s", static_cast<double>(us) / 1e6);
}

std::string bytes_text(double bytes) {
    static constexpr std::string_view units[] = {"B", "KB", "MB", "GB", "TB"};
    size_t unit = 0;
    for (; bytes >= 1000 && unit + 1 < std::size(units); ++unit) bytes /= 1000;
    return unit == 0 ? text::format("{:.0f} B", bytes) : text::format("{:.2f} {}", bytes, units[unit]);
}

}  // namespace ringx::bench

// bench/main.cc - a load generator for HTTP/1.1 servers.
//
// What the command line asks for is planned, run and reported. The status is 0 when there are results, 1 when there are
// none, and 2 when the command line is wrong.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "bench/compare.h"
#include "bench/interrupts.h"
#include "bench/json_record.h"
#include "bench/options.h"
#include "bench/outcome.h"
#include "bench/plan.h"
#include "bench/progress.h"
#include "bench/report.h"
#include "bench/result_files.h"
#include "bench/run.h"
#include "build.h"

namespace ringx::bench {
namespace {

// Of other things than connections.
constexpr rlim_t descriptors_besides = 64;

int refuse(std::string_view sentence, int status) {
    write_all(STDERR_FILENO, text::format("bench: {}\n", sentence));
    return status;
}

// Room for that many connections. The sentence says why there is none.
std::string make_room(uint32_t connections) {
    const rlim_t wanted = connections + descriptors_besides;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return {};
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    bool is_enough = setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted;
    if (is_enough) return {};
    return text::format("{} connections need {} descriptors, and the limit is {}: see ulimit -n", connections, wanted,
                        limit.rlim_max);
}

// Runs of both sides by turns; who is first changes with each round, so that being second is no disadvantage.
// When it is interrupted, the rounds count that are whole.
std::expected<Outcome, std::string> compare(const Plan& a, const Plan& b, Interrupts& interrupts, Progress& progress) {
    Outcome outcome{.machine = Machine::look(), .runs = {}};
    for (uint32_t turn = 0; turn < 2 * a.options.rounds && !interrupts.any(); ++turn) {
        const uint32_t round = turn / 2;
        const bool is_a = (turn % 2 == 0) == (round % 2 == 0);
        const Plan& plan = is_a ? a : b;
        std::string_view side = is_a ? "A" : "B";
        progress.set_title(text::format("{}, round {} of {}: ", side, round + 1, a.options.rounds));
        auto result = run(plan, interrupts, progress);
        if (!result && !interrupts.any()) return std::unexpected(result.error());
        if (!interrupts.any()) outcome.runs.push_back({side, &plan.options, std::move(*result)});
    }
    if (outcome.runs.size() % 2 == 1) outcome.runs.pop_back();
    if (outcome.runs.empty()) return std::unexpected(std::string("interrupted in the first round"));
    return outcome;
}

std::expected<Outcome, std::string> measure(const Plan& plan, Interrupts& interrupts, Progress& progress) {
    Outcome outcome{.machine = Machine::look(), .runs = {}};
    auto result = run(plan, interrupts, progress);
    if (!result) return std::unexpected(result.error());
    outcome.runs.push_back({"", &plan.options, std::move(*result)});
    return outcome;
}

std::expected<std::string, std::string> make(const Options& options) {
    Interrupts interrupts;
    auto files = ResultFiles::open(options);
    if (!files) return std::unexpected(files.error());
    auto plan = Plan::make(options);
    if (!plan) return std::unexpected(plan.error());
    Progress progress(isatty(STDERR_FILENO) == 1 && !options.quiet);
    std::expected<Outcome, std::string> outcome;
    std::expected<Plan, std::string> other;
    if (options.compared) {
        Options second = options;
        second.urls = {*options.compared};
        other = Plan::make(second);
        if (!other) return std::unexpected(other.error());
        outcome = compare(*plan, *other, interrupts, progress);
    } else {
        outcome = measure(*plan, interrupts, progress);
    }
    if (!outcome) return std::unexpected(outcome.error());
    if (auto written = files->write(*outcome); !written) return std::unexpected(written.error());
    if (options.json) return json_text(*outcome);
    return outcome->is_comparison() ? comparison(*outcome) : report(options, outcome->runs[0].result);
}

int start(const std::vector<std::string_view>& words) {
    auto options = Options::parse(words);
    if (!options) return refuse(options.error(), 2);
    if (options->help) return write_all(STDOUT_FILENO, usage()) ? 0 : 1;
    if (options->version) return write_all(STDOUT_FILENO, "bench of ringx " RINGX_VERSION "\n") ? 0 : 1;
    if (std::string sentence = make_room(options->connections); !sentence.empty()) return refuse(sentence, 1);
    auto text = make(*options);
    if (!text) return refuse(text.error(), 1);
    return write_all(STDOUT_FILENO, *text) ? 0 : 1;
}

}  // namespace
}  // namespace ringx::bench

int main(int count, char** arguments) {
    return ringx::bench::start(std::vector<std::string_view>(arguments + (count > 0 ? 1 : 0), arguments + count));
}

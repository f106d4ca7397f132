#include "bench/outcome.h"

#include "bench/quantiles.h"

namespace ringx::bench {
namespace {

template <int permille>
double latency(const RunResult& result) {
    const Tally& tally = *result.tally;
    return static_cast<double>(quantile_us(tally.latency_us, permille / 1000.0, tally.latency_max_us.value()));
}

constexpr ComparedFigure figures[] = {
    {"requests/s", false, [](const RunResult& result) { return result.per_second(); }},
    {"p50", true, latency<500>},
    {"p90", true, latency<900>},
    {"p99", true, latency<990>},
    {"p99.9", true, latency<999>},
    {"failures", false, [](const RunResult& result) { return static_cast<double>(result.tally->failures.value()); }},
};

}  // namespace

std::span<const ComparedFigure> compared_figures() { return figures; }

}  // namespace ringx::bench

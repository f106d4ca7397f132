// bench/run.h - one run from its first connection to its last answer.
//
// Threads are started, wait for each other until all connections are there, and begin together. Meanwhile this thread
// looks at the clock, at what was counted and at the signals, and ends the run in order: nothing more is asked, and
// what is on its way is waited for.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "bench/interrupts.h"
#include "bench/plan.h"
#include "bench/progress.h"
#include "bench/series.h"
#include "bench/tally.h"

namespace ringx::bench {

struct RunResult {
    std::unique_ptr<Tally> tally = std::make_unique<Tally>();
    Series series;
    double seconds = 0;      // from the beginning to the last answer, or to the end of asking
    double cpu_seconds = 0;  // of this program
    std::string engine;
    std::string note;        // why it ended before its time; may be empty
    double per_second() const { return seconds > 0 ? static_cast<double>(tally->answers.value()) / seconds : 0; }
};

// The sentence says why there was nothing to measure.
std::expected<RunResult, std::string> run(const Plan& plan, Interrupts& interrupts, Progress& progress);

}  // namespace ringx::bench

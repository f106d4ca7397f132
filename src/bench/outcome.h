// bench/outcome.h - everything that was done for one command line: the runs, of one server or of two by turns.
//
// All forms of a report are made of it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "bench/machine.h"
#include "bench/options.h"
#include "bench/run.h"

namespace ringx::bench {

struct Outcome {
    // One run alone has no name; those of a comparison are of "A" or "B".
    struct Run {
        std::string_view side;
        const Options* options;  // with the URLs of its side
        RunResult result;
    };

    Machine machine;
    std::vector<Run> runs;  // in the order they were made

    bool is_comparison() const { return !runs.empty() && !runs[0].side.empty(); }
    // What `figure` says of each run of a side.
    template <typename Figure>
    std::vector<double> of_side(std::string_view side, Figure figure) const {
        std::vector<double> values;
        for (const Run& run : runs) {
            if (run.side == side) values.push_back(figure(run.result));
        }
        return values;
    }
};

// What sides are compared by.
struct ComparedFigure {
    std::string_view name;
    bool is_time;  // in microseconds
    double (*of)(const RunResult& result);
};
std::span<const ComparedFigure> compared_figures();

}  // namespace ringx::bench

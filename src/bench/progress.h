// bench/progress.h - the line on a terminal that says how far a run is.
//
// Shown a few times a second: the rate of the moment, failures, and the time that is left. Elsewhere nothing is
// written.
#pragma once

#include <cstdint>
#include <string>

#include "bench/options.h"
#include "bench/series.h"

namespace ringx::bench {

class Progress {
 public:
    explicit Progress(bool is_shown) : is_shown_(is_shown) {}
    ~Progress() { clear(); }

    // What comes before the figures: which run of several.
    void set_title(std::string title) { title_ = std::move(title); }
    void show(const Options& options, const Series::Point& now);
    void clear();

 private:
    const bool is_shown_;
    std::string title_;
    uint64_t shown_us_ = 0;
    Series::Point last_;
};

// "1,234,567".
std::string with_commas(uint64_t number);

// What of the run is still to come, in seconds.
double seconds_left(const Options& options, const Series::Point& now);

}  // namespace ringx::bench

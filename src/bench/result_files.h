// bench/result_files.h - the files that --csv and --plot name, opened before the run: what cannot be written is known
// before the time is spent.
//
// Runs are added to the lines of a CSV file that is there; a picture takes the place of one that is there.
#pragma once

#include <expected>
#include <string>

#include "base/fd.h"
#include "bench/outcome.h"

namespace ringx::bench {

class ResultFiles {
 public:
    // The sentence says which one cannot be written, and why.
    static std::expected<ResultFiles, std::string> open(const Options& options);

    std::expected<void, std::string> write(const Outcome& outcome);

 private:
    Fd csv_, plot_;
    std::string csv_name_, plot_name_;
    bool needs_header_ = false;
};

// All of it, however many calls that takes.
bool write_all(int fd, std::string_view text);

// The picture of all runs: a curve for each side.
std::string plot(const Outcome& outcome);

}  // namespace ringx::bench

// bench/csv.h - runs as lines of a table (RFC 4180), each with all parameters and the machine it was made on.
//
// The columns are always the same, so that runs of many days can stand in one file.
#pragma once

#include <string>

#include "bench/outcome.h"

namespace ringx::bench {

// The names of the columns, with the end of the line.
std::string csv_header();
// A line for each run.
std::string csv_lines(const Outcome& outcome);

}  // namespace ringx::bench

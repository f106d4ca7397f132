// bench/report.h - the result of a run for people.
//
// What matters stands first, and nothing that is not there is mentioned. A sentence at the end says what makes the
// figures worth less than they look.
#pragma once

#include <string>

#include "bench/options.h"
#include "bench/run.h"

namespace ringx::bench {

std::string report(const Options& options, const RunResult& result);

// "64 connections, 2 threads, pipelined 16, closed loop".
std::string load_words(const Options& options);
// "412 us", "1.23 ms", "4.56 s".
std::string duration_text(uint64_t us);
// "1.23 MB".
std::string bytes_text(double bytes);

}  // namespace ringx::bench

// bench/compare.h - what two servers that were asked by turns say about each other.
//
// The runs of a round follow each other at once, so a slow minute of the machine hurts both; each round gives a ratio,
// and how far these lie apart says how much of the middle one is to be believed.
#pragma once

#include <string>

#include "bench/outcome.h"

namespace ringx::bench {

// A table of both sides. REQUIRES: the outcome is that of a comparison.
std::string comparison(const Outcome& outcome);

}  // namespace ringx::bench

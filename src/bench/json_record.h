// bench/json_record.h - everything that was measured, and how, as one object of JSON.
//
// Times are in the unit their names end with. What is counted of each kind is there with each kind, also where it is
// zero, so that readers need not ask whether something exists.
#pragma once

#include <string>

#include "bench/outcome.h"

namespace ringx::bench {

std::string json_text(const Outcome& outcome);

}  // namespace ringx::bench

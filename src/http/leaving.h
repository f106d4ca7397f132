// http/leaving.h - whether this worker is leaving: it takes no connections any more, and ends with those it has.
//
// Kept among the states of the worker, for modules to ask.
#pragma once

#include "http/worker_state.h"

namespace ringx::http {

struct Leaving {
    bool has_begun = false;
};

inline bool is_leaving(WorkerStates& states) { return states.get<Leaving>().has_begun; }

}  // namespace ringx::http

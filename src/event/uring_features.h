// event/uring_features.h - what of io_uring the engine uses, and whether this kernel has it.
//
// For those who want to know before or without an engine: rings are made and closed again. The engine itself asks for
// the best and takes what it is given (event/uring_ring.h).
#pragma once

#include <string_view>
#include <vector>

#include "event/engine.h"

namespace ringx {

struct UringFeature {
    std::string_view name;
    std::string_view since;   // the release of Linux that has it
    std::string_view effect;  // what it does for us
    bool is_there = false;
};

// Those these settings ask for. REQUIRES: io_uring_unavailable() had nothing to say.
std::vector<UringFeature> uring_features(const EngineSettings& settings);

}  // namespace ringx

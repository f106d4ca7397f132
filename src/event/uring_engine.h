// event/uring_engine.h - the engine on io_uring.
//
// An operation is one submission, named by its address, and its completions are its answers: what the kernel offers is
// the interface, so this file mostly fills in the differences between kernels. One enter per turn submits everything
// that was started, waits and fetches. Idle sockets cost no submission: receives and accepts are multishot, and the
// engine arms them again by itself where the kernel ends them without a reason of the socket's.
// Nothing that was asked is lost when a queue is full: it waits in a list of ours until there is room.
#pragma once

#include <memory>

#include "base/result.h"
#include "event/engine.h"

namespace ringx {

// REQUIRES: the thread that makes it calls `loop`'s turns; `loop` outlives it.
Result<std::unique_ptr<Engine>> make_uring_engine(const EngineSettings& settings, Loop& loop);

}  // namespace ringx

// event/epoll_engine.h - the engine for kernels and containers that do not allow io_uring.
//
// Readiness made to look like completions. A descriptor is registered once, edge-triggered and for both directions,
// when an operation first has to wait for it; from then on its row of a table remembers what the last edges and system
// calls told, so that a request on a kept-alive connection costs one recv and its share of one epoll_wait. Operations
// that may be ready at once are queued and tried in the next wait(), which then does not sleep. Regular files have no
// readiness: see event/epoll_files.h.
// A descriptor has at most one operation in flight that reads and one that writes. Sockets are non-blocking.
#pragma once

#include <memory>

#include "base/result.h"
#include "event/engine.h"

namespace ringx {

// REQUIRES: `loop` calls wait(), and outlives the engine.
Result<std::unique_ptr<Engine>> make_epoll_engine(const EngineSettings& settings, Loop& loop);

}  // namespace ringx

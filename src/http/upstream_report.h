// http/upstream_report.h - what there is to tell of upstream servers.
//
// Each is told by its group and its address; what is counted is of all workers, and so is the state where the group
// has a zone. Without one it is that of the worker that tells.
#pragma once

#include "event/task.h"
#include "http/report.h"
#include "http/request.h"
#include "net/peers.h"

namespace ringx::http {

Task<void> tell_upstreams(Report& report, Request& request);

// "up", "down", "draining", "unavailable", "unhealthy" or "checking", as GET …/upstreams says it too.
std::string_view state_name(const ringx::Peer& peer, const PeerState& state, uint64_t now_ms);

}  // namespace ringx::http

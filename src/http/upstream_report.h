// http/upstream_report.h - what there is to tell of upstream servers.
//
// Each is told by its group and its address; what is counted is of all workers, and so is the state where the group
// has a zone. Without one it is that of the worker that tells.
#pragma once

#include <cstdint>
#include <string_view>

#include "event/task.h"
#include "http/report.h"
#include "http/request.h"
#include "net/peers.h"

namespace ringx::http {

// "up", or why requests are not passed to it.
std::string_view peer_state_name(const ringx::Peer& peer, const PeerState& state, uint64_t now_ms);

Task<void> tell_upstreams(Report& report, Request& request);

}  // namespace ringx::http

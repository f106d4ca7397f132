// http/upstream_host.h - servers that only a request names: a host in a variable is looked up for it.
//
// As in nginx such a host is a group of its own for one request, with all addresses it has; nothing is remembered of
// it. Idle connections to it are kept like any others.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>

#include "event/task.h"
#include "http/request.h"
#include "net/peers.h"

namespace ringx::http {

// Or the status to answer with: it has no address now, which was logged, or nobody waits for the answer any more.
// `host` is a name or an address without a port, or "unix:/path".
using FoundHost = std::expected<std::shared_ptr<PeerRoster>, uint16_t>;
Task<FoundHost> find_upstream_host(Request& request, std::string_view host, uint16_t port, bool minds_client);

}  // namespace ringx::http

// modules/upstream/servers.h - `server` in an upstream block: an address or a name, and what is said of it.
//
// Methods that choose by a key or at random know no backups and no slow start; a server that asks for one after such a
// method was named is refused, as by nginx.
#pragma once

#include "conf/binding.h"
#include "http/upstream.h"

namespace ringx::http {

void add_upstream_server(Upstream& upstream, conf::Binding& binding);

}  // namespace ringx::http

// modules/upstream/methods.h - the directives of an upstream block that say how one of its servers is chosen.
//
// The last one rules; more than one is worth a warning.
#pragma once

#include "conf/binding.h"
#include "http/upstream.h"

namespace ringx::http {

void set_least_conn(Upstream& upstream, conf::Binding& binding);
void set_least_time(Upstream& upstream, conf::Binding& binding);
void set_ip_hash(Upstream& upstream, conf::Binding& binding);
void set_hash(Upstream& upstream, conf::Binding& binding);
void set_random(Upstream& upstream, conf::Binding& binding);

}  // namespace ringx::http

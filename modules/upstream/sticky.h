// modules/upstream/sticky.h - `sticky cookie`, `sticky route` and `sticky learn` as they are written.
//
// Complaints are worded as nginx words them.
#pragma once

#include "conf/binding.h"
#include "http/upstream.h"

namespace ringx::http {

void set_sticky(Upstream& upstream, conf::Binding& binding);

}  // namespace ringx::http

// http/resolver_directive.h - `resolver ADDRESS … [valid=TIME] [ipv4=on|off] [ipv6=on|off]`.
//
// Name servers that are given by name are looked up by the master, once for each configuration: what was found is kept
// in the bundle, so that a configuration means the same in all processes.
#pragma once

#include "conf/binding.h"
#include "http/core_settings.h"

namespace ringx::http {

void set_resolver(CoreSettings& settings, conf::Binding& binding);

}  // namespace ringx::http

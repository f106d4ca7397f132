// http/resolver_directive.h - `resolver ADDRESS … [valid=TIME] [ipv4=on|off] [ipv6=on|off]`, as nginx checks it.
//
// It has no effect yet: OCSP responders, which real configurations have it for, are looked up as the system does it.
// Name servers that are given by name are not looked up here, so that a configuration means the same in all processes.
#pragma once

#include "conf/binding.h"

namespace ringx::http {

void check_resolver(conf::Binding& binding);

}  // namespace ringx::http

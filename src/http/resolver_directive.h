// http/resolver_directive.h - `resolver ADDRESS … [valid=TIME] [ipv4=on|off] [ipv6=on|off] [status_zone=NAME]`.
//
// Name servers that are given by name are looked up by the master, once for each configuration: what was found is kept
// in the bundle, so that a configuration means the same in all processes.
#pragma once

#include "conf/binding.h"
#include "http/core_settings.h"

namespace ringx::http {

void set_resolver(CoreSettings& settings, conf::Binding& binding);

// What the words of such a directive say; null after complaining.
std::shared_ptr<const ResolverRules> read_resolver(conf::Binding& binding);
// The rules with this timeout; null stays null.
std::shared_ptr<const ResolverRules> with_timeout(const std::shared_ptr<const ResolverRules>& rules,
                                                  std::chrono::milliseconds timeout);

}  // namespace ringx::http

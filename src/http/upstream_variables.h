// http/upstream_variables.h - $upstream_addr, $upstream_status and the others: what was tried, and what came of it.
//
// They belong to every protocol that is spoken with servers behind us, and so to no module of one. Values of several
// tries stand one behind the other, as in nginx: ", " between the servers of one exchange, " : " between exchanges.
#pragma once

#include "http/module.h"

namespace ringx::http {

extern constinit const Module upstream_variables_module;

}  // namespace ringx::http

// http/listen_directive.h - the words of `listen`: an address, and options of its socket.
//
// Options belong to the address, not to the server that wrote them: only one of its servers may have any.
#pragma once

#include "conf/binding.h"

namespace ringx::http {

struct ServerSettings;

void set_listen(ServerSettings& settings, conf::Binding& binding);

}  // namespace ringx::http

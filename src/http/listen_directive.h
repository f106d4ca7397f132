// http/listen_directive.h - the words of `listen`: an address, and options of its socket.
//
// Options belong to the address, not to the server that wrote them; two servers that disagree are a mistake.
#pragma once

#include "conf/binding.h"

namespace ringx::http {

struct ServerSettings;

void set_listen(ServerSettings& settings, conf::Binding& binding);

}  // namespace ringx::http

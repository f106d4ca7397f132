// modules/proxy/answer.h - a request is passed on, and what came back becomes the answer.
//
// The exchange brings a head and a body. What the server wants of us (X-Accel-…) is done here, and the rest becomes
// a response like any other.
#pragma once

#include "http/health_check.h"
#include "http/module.h"
#include "modules/proxy/message.h"

namespace ringx::http::proxy {

// The handler of locations with a proxy_pass.
Answer respond(Request& request);

// For health checks of the servers requests go to. REQUIRES: no variables tell who that is.
HealthTalk begin_health_talk(Request& request, std::string_view uri);

// Where the request goes, once that is known; null before.
const Destination* destination_of(const Request& request);

}  // namespace ringx::http::proxy

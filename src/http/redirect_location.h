// http/redirect_location.h - the Location field of a redirect, as the client needs it.
//
// Modules give paths; what is sent is a URL the client can reach, by the rules of the *_redirect directives.
#pragma once

#include <string_view>

#include "http/request.h"

namespace ringx::http {

// `location` as it is sent: a path becomes an absolute URL unless absolute_redirect is off, with the host the client
// asked for (or server_name) and the port it reached us at.
std::string_view absolute_location(Request& request, std::string_view location);

}  // namespace ringx::http

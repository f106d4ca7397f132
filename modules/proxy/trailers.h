// modules/proxy/trailers.h - `proxy_pass_trailers`: the fields behind a body, passed on to the client.
//
// Whoever merges trailers into a head must not be told by them where a message ends, where it goes or who may have it:
// what RFC 9110 section 6.5.1 keeps out of trailers stays here, and so do fields that are hidden.
#pragma once

#include "http/request.h"
#include "http/response.h"

namespace ringx::http::proxy {

// Those of the response that has come; for Response::make_trailers.
ResponseFields passed_trailers(Request& request);

}  // namespace ringx::http::proxy

// modules/api/openapi.cc - GET openapi.json: what the API can be asked, for programs.
//
// The document is a file beside this one and part of the program; tests compare it with the table of endpoints and with
// what is answered.
#include "base/embedded.h"
#include "modules/api/call.h"
#include "modules/api/reply.h"
#include "modules/api/resources.h"

EMBEDDED(api_openapi_json);

namespace ringx::http::api {

Answer get_description(Call& call) { return reply(call.request, embedded::api_openapi_json()); }

}  // namespace ringx::http::api

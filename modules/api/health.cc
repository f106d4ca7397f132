// modules/api/health.cc - GET health: whether this server wants requests.
//
// For load balancers and supervisors, who look at the status. A worker that leaves still answers those who were
// connected to it, and sends them elsewhere.
#include "http/json_writer.h"
#include "http/leaving.h"
#include "modules/api/call.h"
#include "modules/api/reply.h"
#include "modules/api/resources.h"

namespace ringx::http::api {

Answer get_health(Call& call) {
    bool leaves = is_leaving(call.request.worker->states);
    JsonWriter json;
    json.begin_object();
    json.member("status", leaves ? "leaving" : "ok");
    json.end();
    return reply(call.request, json.take(), leaves ? 503 : 200);
}

}  // namespace ringx::http::api

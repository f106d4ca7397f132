// modules/api/health.cc - GET health: whether this server wants requests, and what state it is in.
//
// For load balancers and supervisors, who look at the status: 503 when the server is being stopped, or its master is
// gone. A worker that is only replaced says nothing of the kind, since its successor is there already.
#include "base/run_state.h"
#include "http/json_writer.h"
#include "modules/api/call.h"
#include "modules/api/reply.h"
#include "modules/api/resources.h"
#include "net/steering.h"

namespace ringx::http::api {

Answer get_health(Call& call) {
    WorkerParts& worker = *call.request.worker;
    RunState::Facts run = worker.run_state->read();
    bool leaves = run.phase == RunState::Phase::quitting || !worker.steering->is_there();
    JsonWriter json;
    json.begin_object();
    json.member("status", leaves ? "leaving" : "ok");
    json.member("state", phase_name(run.phase));
    json.member("generation", run.generation);
    json.key("workers");
    json.begin_object();
    json.member("wanted", run.workers_wanted);
    json.member("alive", run.workers_alive);
    json.member("serving", run.workers_serving);
    json.member("leaving", run.workers_leaving);
    json.end();
    json.end();
    return reply(call.request, json.take(), leaves ? 503 : 200);
}

}  // namespace ringx::http::api

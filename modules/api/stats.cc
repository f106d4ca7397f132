// modules/api/stats.cc - GET stats: all figures of the server.
//
// What there are is described by those who count them, as for Prometheus (http/server_report). Names stay; what is new
// is added. Should that ever not do, api_version tells. Who asks for ?steps=on also gets what histograms are made of,
// and can tell quantiles of any time between two answers.
#include "http/field_variables.h"
#include "http/json_report.h"
#include "http/server_report.h"
#include "modules/api/call.h"
#include "modules/api/reply.h"
#include "modules/api/resources.h"

namespace ringx::http::api {
namespace {

constexpr int api_version = 1;

Task<Answer> tell(Call& call) {
    Request& request = call.request;
    bool wants_steps = find_argument(request.args, "steps") == "on";
    JsonWriter json;
    JsonReport report(json, wants_steps ? JsonReport::Histograms::steps : JsonReport::Histograms::quantiles);
    json.begin_object();
    json.member("api_version", api_version);
    json.member("writable", call.may_write);
    co_await tell_all(report, request);
    json.end();
    co_return reply(request, json.take());
}

}  // namespace

Answer get_stats(Call& call) { return Answer::later(tell(call)); }

}  // namespace ringx::http::api

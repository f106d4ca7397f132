// modules/api/metrics.cc - GET metrics: all figures of the server, for Prometheus.
//
// The same as `metrics` answers with in a location of its own.
#include "http/prometheus_answer.h"
#include "modules/api/call.h"
#include "modules/api/reply.h"
#include "modules/api/resources.h"

namespace ringx::http::api {
namespace {

Task<Answer> tell(Request& request) {
    Answer answer = co_await answer_prometheus(request);
    forbid_keeping(request, answer);
    co_return answer;
}

}  // namespace

Answer get_metrics(Call& call) { return Answer::later(tell(call.request)); }

}  // namespace ringx::http::api

#include "http/prometheus_answer.h"

#include "http/prometheus_report.h"
#include "http/server_report.h"

namespace ringx::http {
namespace {

PrometheusReport::Format format_for(const Request& request) {
    const Field* accept = request.head.find(Header::accept);
    bool open_metrics = accept != nullptr && accept->value.contains("application/openmetrics-text");
    return open_metrics ? PrometheusReport::Format::open_metrics : PrometheusReport::Format::text;
}

}  // namespace

Task<Answer> answer_prometheus(Request& request) {
    auto format = format_for(request);
    PrometheusReport report(format);
    co_await tell_all(report, request);
    Answer answer = Answer::in_place();
    answer.response.content_type = PrometheusReport::content_type(format);
    answer.response.set_body(request.arena.copy(report.take()));
    co_return answer;
}

}  // namespace ringx::http

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

void set_body(Request& request, Response& response, std::span<const std::string_view> text) {
    std::span<Piece> pieces = request.arena.make_array<Piece>(text.size());
    uint64_t bytes = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        pieces[i] = {text[i], 0, 0};
        bytes += text[i].size();
    }
    response.pieces = pieces;
    response.content_length = bytes;
}

}  // namespace

Task<Answer> answer_prometheus(Request& request) {
    auto format = format_for(request);
    auto& report = *request.arena.make<PrometheusReport>(format, request.worker->states.get<BlockPool>());
    co_await tell_all(report, request);
    Answer answer = Answer::in_place();
    answer.response.content_type = PrometheusReport::content_type(format);
    set_body(request, answer.response, report.text());
    co_return answer;
}

}  // namespace ringx::http

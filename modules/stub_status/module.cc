// modules/stub_status/module.cc - `stub_status`: connections and requests of all workers, in nginx's few lines.
//
// Connections wait when they are open and neither send a head nor get an answer. The request that asks is itself being
// answered, and says so also where nothing had to be waited for.
#include "base/counters.h"
#include "base/format.h"
#include "http/core_settings.h"
#include "http/module.h"
#include "http/number_text.h"

namespace ringx::http {
namespace {

struct Settings {};

Counters sum_of(const Request& request) {
    Counters sum = Counters::sum(request.worker->metrics.all());
    bool is_counted = request.answer != nullptr;  // it had to wait
    if (!is_counted) sum.writing.add(1);
    return sum;
}

Answer respond(Request& request) {
    if (request.method() != Method::get && !request.is_head()) return Answer::of_status(405);
    Counters sum = sum_of(request);
    std::string text = text::format(
        "Active connections: {} \nserver accepts handled requests\n {} {} {} \nReading: {} Writing: {} Waiting: {} \n",
        sum.active.value(), sum.accepted.value(), sum.handled.value(), sum.requests.value(), sum.reading.value(),
        sum.writing.value(), sum.waiting());
    Answer answer = Answer::in_place();
    answer.response.content_type = "text/plain";
    answer.response.set_body(request.arena.copy(text));
    return answer;
}

void set_stub_status(Settings&, conf::Binding& binding) { core_settings.in(binding.block()).handler = respond; }

constexpr conf::Directive directives[] = {
    conf::custom<&set_stub_status>("stub_status", conf::server | conf::location, {0, 1},
                                   "Answer with how many connections and requests there are and were."),
};

constinit conf::Slot<Settings> settings;

VariableValue active(Request& request, const VariableUse&) {
    return number_text(request.arena, sum_of(request).active.value());
}
VariableValue reading(Request& request, const VariableUse&) {
    return number_text(request.arena, sum_of(request).reading.value());
}
VariableValue writing(Request& request, const VariableUse&) {
    return number_text(request.arena, sum_of(request).writing.value());
}
VariableValue waiting(Request& request, const VariableUse&) {
    return number_text(request.arena, sum_of(request).waiting());
}

constexpr Variable variables[] = {
    Variable::known_at_end("connections_active", active),
    Variable::known_at_end("connections_reading", reading),
    Variable::known_at_end("connections_waiting", waiting),
    Variable::known_at_end("connections_writing", writing),
};

}  // namespace

extern constinit const Module stub_status_module = {
    .name = "stub_status",
    .directives = directives,
    .settings = &settings,
    .variables = variables,
};

}  // namespace ringx::http

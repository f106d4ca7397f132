#include "http/pace.h"

#include "http/core_settings.h"

namespace ringx::http {
namespace {

struct AssignedRate {
    uint64_t bytes_a_second = 0;
};

}  // namespace

uint64_t evaluate_size(Request& request, const Template& text) {
    if (text.empty()) return 0;
    std::string_view value = text.evaluate(request);
    if (value.empty()) return 0;
    auto size = conf::parse<conf::Size>(value);
    if (size) return *size;
    request.log().write(Level::error, request.log_context(), "invalid size \"{}\"", value);
    return 0;
}

void set_size_template(Setting<Template>& setting, conf::Binding& binding) {
    if (setting.given) return binding.duplicate();
    const conf::Word& word = binding.words()[0];
    auto size = Template::compile(binding, word);
    if (!size) return;
    if (size->is_constant() && !binding.parse<conf::Size>(word)) return;
    setting.give(std::move(*size));
}

uint64_t rate_of(Request& request) {
    if (const auto* assigned = request.states.find<AssignedRate>()) return assigned->bytes_a_second;
    return evaluate_size(request, *request.core->limit_rate);
}

uint64_t assigned_rate(const Request& request) {
    const auto* assigned = request.states.find<AssignedRate>();
    return assigned == nullptr ? 0 : assigned->bytes_a_second;
}

void assign_rate(Request& request, uint64_t bytes_a_second) {
    request.states.get<AssignedRate>(request.arena).bytes_a_second = bytes_a_second;
}

Pace::Pace(Request& request, uint64_t rate)
    : rate_(rate),
      free_bytes_(evaluate_size(request, *request.core->limit_rate_after)),
      since_us_(request.started_us) {}

uint64_t Pace::budget(uint64_t sent, uint64_t now_us, uint64_t& wait_ms) const {
    uint64_t seconds = (now_us - since_us_) / 1'000'000 + 1;
    uint64_t allowed = rate_ > (UINT64_MAX - free_bytes_) / seconds ? UINT64_MAX : rate_ * seconds + free_bytes_;
    if (sent < allowed) return allowed - sent;
    wait_ms = (sent - allowed) * 1000 / rate_ + 1;
    return 0;
}

uint64_t Pace::worth_ms(uint64_t before, uint64_t after) const {
    return (counted(after) - counted(before)) * 1000 / rate_;
}

}  // namespace ringx::http

#include "modules/upstream/methods.h"

#include "base/format.h"

namespace ringx::http {
namespace {

void set_method(Upstream& upstream, conf::Binding& binding, Balance balance) {
    bool is_late = upstream.balance.given || upstream.queue.given;
    if (is_late) binding.warn(binding.name_word(), "load balancing method redefined");
    upstream.balance.give(balance);
}

void refuse_parameter(conf::Binding& binding, const conf::Word& word) {
    binding.mistake(word, text::format("invalid parameter \"{}\"", word.text));
}

std::optional<TimeRules::Until> read_until(std::string_view text) {
    if (text == "header") return TimeRules::Until::header;
    if (text == "last_byte") return TimeRules::Until::last_byte;
    return std::nullopt;
}

}  // namespace

void set_least_conn(Upstream& upstream, conf::Binding& binding) {
    set_method(upstream, binding, Balance::least_connected);
}

void set_least_time(Upstream& upstream, conf::Binding& binding) {
    auto words = binding.words();
    if (upstream.balance.given && *upstream.balance == Balance::fastest) return binding.duplicate();
    if (words.size() > 1 && words[1].text != "inflight") return refuse_parameter(binding, words[1]);
    auto until = read_until(words[0].text);
    if (!until) {
        return binding.invalid(words[0], {conf::Invalid::Kind::choice, "expected header or last_byte"});
    }
    set_method(upstream, binding, Balance::fastest);
    upstream.time = {.until = *until, .inflight = words.size() > 1};
}

void set_ip_hash(Upstream& upstream, conf::Binding& binding) { set_method(upstream, binding, Balance::by_address); }

void set_hash(Upstream& upstream, conf::Binding& binding) {
    auto words = binding.words();
    auto key = Template::compile(binding, words[0]);
    bool is_consistent = words.size() > 1 && words[1].text == "consistent";
    if (words.size() > 1 && !is_consistent) return refuse_parameter(binding, words[1]);
    if (key) upstream.key = std::move(*key);
    set_method(upstream, binding, is_consistent ? Balance::by_ring : Balance::by_hash);
}

void set_random(Upstream& upstream, conf::Binding& binding) {
    auto words = binding.words();
    if (words.size() > 0 && words[0].text != "two") return refuse_parameter(binding, words[0]);
    if (words.size() < 2 || words[1].text == "least_conn") {
        return set_method(upstream, binding, words.empty() ? Balance::at_random : Balance::less_connected_of_two);
    }
    bool is_by_time = words[1].text.starts_with("least_time=");
    auto until = is_by_time ? read_until(words[1].text.substr(words[1].text.find('=') + 1)) : std::nullopt;
    if (!until) return refuse_parameter(binding, words[1]);
    set_method(upstream, binding, Balance::faster_of_two);
    upstream.time = {.until = *until};
}

}  // namespace ringx::http

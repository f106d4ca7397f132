#include "http/health_check.h"

#include <algorithm>

#include "base/format.h"

namespace ringx::http {

constinit conf::Slot<HealthChecks> health_checks{conf::http};
constinit conf::Slot<HealthSettings> health_settings{conf::location};
const conf::Section health_checks_section{"health_checks", {}, &health_checks};
const conf::Section health_settings_section{"health_settings", {}, &health_settings};

NamedMatch* HealthChecks::open_match(conf::Binding& binding) {
    const conf::Word& name = binding.words()[0];
    if (find_match(name.text) != nullptr) {
        binding.mistake(name, text::format("duplicate match \"{}\"", name.text));
        return nullptr;
    }
    NamedMatch& made = *matches_.emplace_back(std::make_unique<NamedMatch>());
    made.name = name.text;
    return &made;
}

const NamedMatch* HealthChecks::find_match(std::string_view name) const {
    auto found = std::ranges::find_if(matches_, [name](const auto& match) { return match->name == name; });
    return found == matches_.end() ? nullptr : found->get();
}

void HealthChecks::add(conf::Completion& completion, const conf::Place& place, HealthCheck check) {
    auto is_of_group = [&](const auto& other) { return other->upstream == check.upstream; };
    check.number = static_cast<uint32_t>(std::ranges::count_if(checks_, is_of_group));
    if (check.number == of_group_max) {
        return completion.mistake(place, text::format("more than {} health checks of upstream \"{}\"", of_group_max,
                                                      check.upstream->name));
    }
    checks_.push_back(std::make_unique<HealthCheck>(std::move(check)));
}

PeerChecks HealthChecks::of(const Upstream& upstream) const {
    PeerChecks checks;
    for (const auto& check : checks_) {
        if (check->upstream != &upstream) continue;
        checks.all |= uint32_t{1} << check->number;
        if (check->rules.mandatory) checks.mandatory |= uint32_t{1} << check->number;
    }
    return checks;
}

void HealthSettings::speak_as(conf::Block& block, const UpstreamTarget* target, BeginHealthTalk begin) {
    if (block.context() != conf::location) return;
    HealthSettings& ours = health_settings.in(block);
    ours.target_ = target;
    ours.begin_ = begin;
}

void HealthSettings::complete(conf::Completion& completion) {
    if (!check) return;
    if (begin_ == nullptr) {
        return completion.mistake(place, "\"health_check\" directive stands in a location that passes nothing on");
    }
    if (target_ == nullptr) {
        return completion.mistake(place, "\"health_check\" directive cannot be used with variables in the URL");
    }
    const Upstream& upstream = *target_->upstream;
    if (upstream.zone == nullptr) {
        return completion.mistake(place, text::format("upstream \"{}\" of \"health_check\" directive has no \"zone\"",
                                                      upstream.name));
    }
    HealthChecks& all = health_checks.in(completion.block());
    const NamedMatch* match = check->match.empty() ? nullptr : all.find_match(check->match);
    if (!check->match.empty() && match == nullptr) {
        return completion.mistake(place, text::format("match \"{}\" not found", check->match));
    }
    all.add(completion, place, {.rules = *check, .upstream = &upstream, .match = match, .block = &completion.block(),
                                .begin = begin_});
}

}  // namespace ringx::http

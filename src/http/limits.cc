#include "http/limits.h"

#include "base/format.h"

namespace ringx::http {

VariableValue verdict_text(LimitVerdict verdict) {
    switch (verdict) {
        case LimitVerdict::none: break;
        case LimitVerdict::passed: return "PASSED";
        case LimitVerdict::delayed: return "DELAYED";
        case LimitVerdict::rejected: return "REJECTED";
        case LimitVerdict::delayed_dry_run: return "DELAYED_DRY_RUN";
        case LimitVerdict::rejected_dry_run: return "REJECTED_DRY_RUN";
    }
    return std::nullopt;
}

Level log_level(LimitLevel level) {
    constexpr Level levels[] = {Level::info, Level::notice, Level::warn, Level::error};
    return levels[static_cast<size_t>(level)];
}

std::optional<std::string_view> limit_key(Request& request, const Template& key, std::string_view source,
                                          size_t bytes_max) {
    std::string_view value = key.evaluate(request);
    if (value.empty()) return std::nullopt;
    if (value.size() <= bytes_max) return value;
    request.log().write(Level::error, request.log_context(),
                        "the value of the \"{}\" key is more than {} bytes: \"{}\"", source, bytes_max, value);
    return std::nullopt;
}

void report_repair(Request& request, const NamedZone& zone) {
    request.log().write(Level::alert, request.log_context(),
                        "shared memory zone \"{}\" was emptied: a process died while it was writing there", zone.name);
}

NamedZone* declare_limit_zone(conf::Binding& binding, const conf::Word& key, const conf::Word& word,
                              const ZoneName& declared, std::string_view what_for) {
    NamedZone* zone =
        named_zones.in(binding.block()).use(binding, word, declared.name, declared.bytes, what_for);
    if (zone != nullptr && zone->data != nullptr) {
        binding.mistake(word, text::format("{} \"{}\" is already bound to key \"{}\"", binding.name(), declared.name,
                                           zone->key));
        return nullptr;
    }
    if (zone != nullptr) zone->key = binding.arena().copy(key.text);
    return zone;
}

}  // namespace ringx::http

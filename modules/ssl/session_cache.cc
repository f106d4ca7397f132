#include "modules/ssl/session_cache.h"

#include <limits>

#include "base/format.h"

namespace ringx::http::ssl {
namespace {

constexpr std::string_view zone_use = "ssl_session_cache";

void invalid(conf::Binding& binding, const conf::Word& word) {
    binding.mistake(word, text::format("invalid session cache \"{}\"", word.text),
                    "expected off, none, builtin, builtin:number or shared:name:size");
}

// NAME:SIZE; null after a complaint.
NamedZone* read_zone(conf::Binding& binding, const conf::Word& word, std::string_view text) {
    size_t colon = text.find(':');
    std::string_view name = text.substr(0, colon);
    auto size = conf::parse<conf::Size>(colon == text.npos ? std::string_view() : text.substr(colon + 1));
    if (name.empty() || !size) {
        invalid(binding, word);
        return nullptr;
    }
    if (size->bytes < SharedZone::bytes_min) {
        binding.mistake(word, text::format("session cache \"{}\" is too small", word.text));
        return nullptr;
    }
    return named_zones.in(binding.block()).use(binding, word, name, size->bytes, zone_use);
}

std::optional<LocalCache> read_local(std::string_view text) {
    constexpr std::string_view prefix = "builtin:";
    using Kind = LocalCache::Kind;
    if (text == "off") return LocalCache{Kind::off};
    if (text == "none") return LocalCache{Kind::none};
    if (text == "builtin") return LocalCache{Kind::builtin};
    if (!text.starts_with(prefix)) return std::nullopt;
    auto number = conf::parse_unsigned(text.substr(prefix.size()), std::numeric_limits<int64_t>::max());
    if (!number) return std::nullopt;
    return LocalCache{Kind::builtin, static_cast<int64_t>(*number)};
}

}  // namespace

void set_session_cache(Settings& settings, conf::Binding& binding) {
    constexpr std::string_view shared = "shared:";
    for (const conf::Word& word : binding.words()) {
        if (word.text.starts_with(shared)) {
            NamedZone* zone = read_zone(binding, word, word.text.substr(shared.size()));
            if (zone == nullptr) return;
            settings.shared_cache.give(zone);
        } else {
            auto local = read_local(word.text);
            if (!local) return invalid(binding, word);
            settings.local_cache.give(*local);
        }
    }
    if (!settings.local_cache.given) settings.local_cache.give({LocalCache::Kind::unused});
}

SessionStore session_store(const Settings& settings) {
    using Kind = SessionStore::Kind;
    switch (settings.local_cache->kind) {
        case LocalCache::Kind::off: return {.kind = Kind::off};
        case LocalCache::Kind::none: return {.kind = Kind::none};
        case LocalCache::Kind::builtin:
        case LocalCache::Kind::unused: break;
    }
    NamedZone* zone = *settings.shared_cache;
    if (zone != nullptr) return {.kind = Kind::shared, .zone = zone->shared_from_this()};
    return {.kind = Kind::builtin, .builtin_sessions_max = settings.local_cache->sessions_max};
}

}  // namespace ringx::http::ssl

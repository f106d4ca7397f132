#include "http/captures.h"

#include "http/regex.h"
#include "http/request.h"

namespace ringx::http {

std::optional<std::string_view> Captures::find(std::string_view name) const {
    for (const NamedCapture* at = named; at != nullptr; at = at->before) {
        if (at->name == name) return at->value;
    }
    return std::nullopt;
}

void Captures::take_over_named(Arena& arena, const Captures& others) {
    NamedCapture** place = &named;
    for (const NamedCapture* at = others.named; at != nullptr; at = at->before) {
        *place = arena.make<NamedCapture>(at->name, arena.copy(at->value), nullptr);
        place = &(*place)->before;
    }
}

bool match_into(Request& request, const Regex& regex, std::string_view subject) {
    constexpr size_t groups_max = 64;
    std::array<std::string_view, groups_max> found;
    bool names_groups = !regex.named_groups().empty();
    std::span<std::string_view> wanted(found.data(), names_groups ? groups_max : request.captures.groups.size());
    if (!regex.match(subject, wanted)) return false;

    Captures& captures = request.captures;
    for (size_t i = 0; i < captures.groups.size(); ++i) captures.groups[i] = found[i];
    for (const Regex::Group& group : regex.named_groups()) {
        if (group.number >= groups_max) continue;
        captures.named = request.arena.make<NamedCapture>(group.name, found[group.number], captures.named);
    }
    return true;
}

}  // namespace ringx::http

#include "net/zones.h"

#include <algorithm>

#include "base/format.h"

namespace ringx {

constinit conf::Slot<NamedZones> named_zones{conf::main};
const conf::Section named_zones_section{"named_zones", {}, &named_zones};

std::string NamedZone::conflict_with(const NamedZone& before) const {
    if (!continues(before) || key == before.key) return {};
    return text::format("{} \"{}\" uses the \"{}\" key while previously it used the \"{}\" key", use, name, key,
                        before.key);
}

NamedZone* NamedZones::use(conf::Binding& binding, const conf::Word& word, std::string_view name, size_t bytes,
                           std::string_view what_for) {
    auto known = std::ranges::find_if(zones_, [&](const auto& zone) { return zone->name == name; });
    if (known == zones_.end()) {
        zones_.push_back(std::make_shared<NamedZone>());
        NamedZone& zone = *zones_.back();
        zone.name = name;
        zone.use = what_for;
        zone.bytes = bytes;
        return &zone;
    }
    NamedZone& zone = **known;
    if (zone.use != what_for) {
        binding.mistake(word, text::format("the shared memory zone \"{}\" is already declared for a different use",
                                           name));
        return nullptr;
    }
    if (bytes != 0 && zone.bytes != 0 && bytes != zone.bytes) {
        binding.mistake(word, text::format("the size {} of shared memory zone \"{}\" conflicts with already declared "
                                           "size {}", bytes, name, zone.bytes));
        return nullptr;
    }
    if (bytes != 0) zone.bytes = bytes;
    return &zone;
}

std::shared_ptr<NamedZone> NamedZones::own(std::string_view use, size_t bytes) {
    auto known = std::ranges::find_if(zones_, [&](const auto& zone) { return zone->use == use; });
    if (known != zones_.end()) return *known;
    auto zone = std::make_shared<NamedZone>();
    zone->name = use;
    zone->use = use;
    zone->bytes = bytes;
    zones_.push_back(zone);
    return zone;
}

void NamedZones::complete(conf::Completion& completion) {
    for (const auto& zone : zones_) {
        if (zone->bytes == 0) completion.mistake(text::format("zero size shared memory zone \"{}\"", zone->name));
    }
}

std::optional<ZoneName> read_zone_name(conf::Binding& binding, const conf::Word& word, std::string_view text) {
    size_t colon = text.find(':');
    auto size = conf::parse<conf::Size>(colon == text.npos ? std::string_view() : text.substr(colon + 1));
    if (!size) {
        binding.mistake(word, text::format("invalid zone size \"{}\"", word.text), "expected a name and a size: a:10m");
        return std::nullopt;
    }
    if (size->bytes < SharedZone::bytes_min) {
        binding.mistake(word, text::format("zone \"{}\" is too small", word.text));
        return std::nullopt;
    }
    return ZoneName{text.substr(0, colon), size->bytes};
}

}  // namespace ringx

// net/zones.h - the shared zones a configuration names, and their memory.
//
// Whoever has a directive with `zone=NAME:SIZE` declares it here; all others name it. The master gives each zone its
// memory, or goes on with that of the generation before when name, size and use are the same, and hands it to the
// workers with the configuration. So what is in a zone outlives reloads and workers.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/lives.h"
#include "base/shared_zone.h"
#include "conf/language.h"

namespace ringx {

struct NamedZone : std::enable_shared_from_this<NamedZone> {
    std::string name;
    size_t bytes = 0;        // 0: it was named, and not declared (yet)
    std::string_view use;    // "limit_req": what is kept in it
    std::string_view key;    // what its content is about, as the configuration has it
    const void* data = nullptr;  // what its declaration left for those who name it
    // There from when the generation serves. Who outlives it keeps this object, of which only this and the name last.
    std::shared_ptr<SharedZone> memory;

    // The complaint when this one, declared alike, cannot go on with the content of the other; empty when it can.
    std::string conflict_with(const NamedZone& before) const;
    bool continues(const NamedZone& before) const {
        return name == before.name && bytes == before.bytes && use == before.use;
    }
};

// All zones of a configuration; in its main block.
class NamedZones {
 public:
    // The zone of that name. Complains and gives null when others use it for something else, or have given it another
    // size; `bytes` is 0 for who only names it.
    NamedZone* use(conf::Binding& binding, const conf::Word& word, std::string_view name, size_t bytes,
                   std::string_view what_for);

    // The zone for a use that has only one, which no directive names. `use` is a literal, and its name too.
    std::shared_ptr<NamedZone> own(std::string_view use, size_t bytes);

    std::span<const std::shared_ptr<NamedZone>> all() const { return zones_; }

    void complete(conf::Completion& completion);

 private:
    std::vector<std::shared_ptr<NamedZone>> zones_;
};

extern constinit conf::Slot<NamedZones> named_zones;
extern const conf::Section named_zones_section;

// "NAME:SIZE". Complains when it is malformed, or too small to be of use.
struct ZoneName {
    std::string_view name;
    size_t bytes;
};
std::optional<ZoneName> read_zone_name(conf::Binding& binding, const conf::Word& word, std::string_view text);

}  // namespace ringx

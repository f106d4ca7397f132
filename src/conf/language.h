// conf/language.h - all directives of this server: the rows of all modules, found by name.
//
// Putting a Language together gives the slots their indices, so it happens at start-up, before there are threads; from
// then on it is constant. Several rows may share a name when their contexts differ.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "conf/directive.h"
#include "conf/slot.h"

namespace ringx::conf {

// One module's share of the language.
struct Section {
    std::string_view name;
    std::span<const Directive> directives;
    SlotBase* slot = nullptr;  // null when no row needs settings
};

class Language {
 public:
    struct Row {
        const Directive* directive;
        const Section* section;
    };
    // One settings type and what the binder does with it.
    struct Settings {
        const SlotBase* slot;
        Context contexts;                  // where the type has an instance of its own
        std::vector<const Section*> sections;  // whose rows speak of it
    };

    explicit Language(std::span<const Section> sections);
    Language(const Language&) = delete;
    Language& operator=(const Language&) = delete;

    // The rows of that name, in order of the sections; none when it is unknown.
    std::span<const Row> find(std::string_view name) const;

    // The name that was probably meant, preferring those allowed in that context; empty when nothing is near.
    std::string_view closest(std::string_view name, Context context) const;

    std::span<const Section> sections() const { return sections_; }
    std::span<const Settings> settings() const { return settings_; }
    size_t slots() const { return slots_; }  // one more than the largest index

    // One line a row for the man page and editors, tab-separated: name, arguments, contexts, section, help.
    std::string dump() const;

 private:
    void enrol(const Section& section);

    std::vector<Section> sections_;
    std::unordered_map<std::string_view, std::vector<Row>> rows_;
    std::vector<Settings> settings_;
    size_t slots_ = 0;
};

// The arguments of a directive as the man page shows them, with its `;` or block.
std::string arguments(const Directive& directive);

}  // namespace ringx::conf

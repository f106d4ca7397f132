// conf/language.h - all directives of this server: the rows of all modules, found by name.
//
// Putting a Language together gives the slots their indices, so it happens at start-up, before there are threads; from
// then on it is constant. Rows may share a name when their contexts differ.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
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

    // One settings type: where it has instances, and how an inner one takes from an outer one.
    struct Settings {
        const SlotBase* slot;
        Context contexts;
        std::vector<void (*)(void* inner, const void* outer)> inherit;
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

    // A line for each row, for the man page and editors: name, contexts, arguments and help, between tabs.
    std::string dump() const;

 private:
    void add_rows(const Section& section);
    Settings& settings_of(SlotBase& slot);

    std::vector<Section> sections_;
    std::map<std::string_view, std::vector<Row>> rows_;
    std::vector<Settings> settings_;
    size_t slots_ = 0;
};

// What follows the name, as the man page shows it: "on | off;", "address { ... }".
std::string arguments(const Directive& directive);

}  // namespace ringx::conf

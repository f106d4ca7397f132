#include "conf/language.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/format.h"

namespace ringx::conf {
namespace {

// Insertions, deletions, changes and swaps of neighbours that lead from one name to the other.
size_t distance(std::string_view a, std::string_view b) {
    std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        std::swap(before_last, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

// More differences than these, and a name is another name. Short ones are near to everything.
size_t distance_max(std::string_view name) { return name.size() <= 3 ? 1 : name.size() <= 7 ? 2 : 3; }

bool any_allowed(const std::vector<Language::Row>& rows, Context context) {
    auto allowed = [&](const Language::Row& row) { return row.directive->contexts.includes(context); };
    return std::ranges::any_of(rows, allowed);
}

}  // namespace

Language::Language(std::span<const Section> sections) : sections_(sections.begin(), sections.end()) {
    for (const Section& section : sections_) add_rows(section);
}

void Language::add_rows(const Section& section) {
    Settings* settings = section.slot != nullptr ? &settings_of(*section.slot) : nullptr;
    for (const Directive& row : section.directives) {
        auto& namesakes = rows_[row.name];
        for (const Row& other : namesakes) CHECK(!other.directive->contexts.overlaps(row.contexts));
        namesakes.push_back({&row, &section});
        if (row.settings_type == nullptr) continue;

        // The functions of a row are given the slot's settings as void*.
        CHECK(settings != nullptr && settings->slot->type_ == row.settings_type);
        settings->contexts |= row.contexts;
        section.slot->contexts_ |= row.contexts;
        bool is_new = std::ranges::find(settings->inherit, row.inherit) == settings->inherit.end();
        if (row.inherit != nullptr && is_new) settings->inherit.push_back(row.inherit);
    }
}

Language::Settings& Language::settings_of(SlotBase& slot) {
    auto known = std::ranges::find(settings_, &slot, &Settings::slot);
    if (known != settings_.end()) return *known;

    static int next_index = 0;  // for all languages of the process, so that a slot may be part of several
    if (slot.index_ < 0) slot.index_ = next_index++;
    slots_ = std::max(slots_, slot.index() + 1);
    slot.contexts_ |= slot.also_;
    Settings& settings = settings_.emplace_back(Settings{&slot, slot.also_, {}});
    if (slot.inherit_ != nullptr) settings.inherit.push_back(slot.inherit_);
    return settings;
}

std::span<const Language::Row> Language::find(std::string_view name) const {
    auto found = rows_.find(name);
    return found == rows_.end() ? std::span<const Row>() : found->second;
}

std::string_view Language::closest(std::string_view name, Context context) const {
    std::string_view best;
    auto least = std::tuple(distance_max(name) + 1, false);
    for (const auto& [candidate, rows] : rows_) {
        size_t longer = std::max(name.size(), candidate.size()), shorter = std::min(name.size(), candidate.size());
        if (longer - shorter > distance_max(name)) continue;
        size_t differences = same_keyword(name, candidate) ? 0 : distance(name, candidate);
        auto rank = std::tuple(differences, !any_allowed(rows, context));
        if (rank >= least) continue;
        least = rank;
        best = candidate;
    }
    return best;
}

std::string Language::dump() const {
    std::string text;
    for (const auto& [name, rows] : rows_) {
        for (const Row& row : rows) {
            const Directive& directive = *row.directive;
            text += text::format("{}\t{}\t{}\t{}\n", name, names(directive.contexts), arguments(directive),
                                 directive.help);
        }
    }
    return text;
}

std::string arguments(const Directive& directive) {
    std::string text(directive.arguments);
    if (text.empty() && directive.syntax != nullptr) text = directive.syntax();
    if (text.empty() && directive.arity.max > 0) {
        for (unsigned i = 0; i < directive.arity.min; ++i) text += i == 0 ? "argument" : " argument";
        if (directive.arity.max > directive.arity.min) text += text.empty() ? "[argument ...]" : " [argument ...]";
    }
    if (directive.has_block) return text + (text.empty() ? "{ ... }" : " { ... }");
    return text + ";";
}

}  // namespace ringx::conf

// http/name_table.h - values by host name: exact names, and wildcards at either end.
//
// What map (with `hostnames`) and valid_referers look up, by nginx's rules: names are lower case; an exact name comes
// before *.suffix, a longer suffix before a shorter one, any suffix before prefix.*; `.example.com` is both the name
// and all below it. Without wildcards it is a plain table of texts.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>

#include "http/text.h"

namespace ringx::http {

template <typename Value>
class NameTable {
 public:
    enum class Added : uint8_t { yes, conflict, invalid };

    // Case does not matter. The value is not copied by find().
    Added add(std::string_view name, Value value, bool wildcards) {
        std::string lower(name.size(), '\0');
        std::ranges::transform(name, lower.begin(), to_lower);
        if (!wildcards) return added(exact_, std::move(lower), std::move(value));
        if (!is_well_formed(lower)) return Added::invalid;

        if (lower.size() > 1 && lower[0] == '.') {
            std::string bare = lower.substr(1);
            if (exact_.contains(bare) || suffixes_.contains(lower)) return Added::conflict;
            selves_.emplace(std::move(bare), value);
            return added(suffixes_, std::move(lower), std::move(value));
        }
        if (lower.size() > 2 && lower.starts_with("*.")) return added(suffixes_, lower.substr(1), std::move(value));
        if (lower.size() > 2 && lower.ends_with(".*")) {
            lower.pop_back();
            return added(prefixes_, std::move(lower), std::move(value));
        }
        if (lower.find('*') != lower.npos) return Added::invalid;
        if (selves_.contains(lower)) return Added::conflict;
        return added(exact_, std::move(lower), std::move(value));
    }

    // The value for a name in lower case, or null.
    const Value* find(std::string_view name) const {
        if (const Value* value = find_in(exact_, name)) return value;
        if (const Value* value = find_in(selves_, name)) return value;
        if (!suffixes_.empty()) {
            for (size_t dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1)) {
                if (const Value* value = find_in(suffixes_, name.substr(dot))) return value;
            }
        }
        if (!prefixes_.empty()) {
            for (size_t dot = name.rfind('.'); dot != name.npos && dot > 0; dot = name.rfind('.', dot - 1)) {
                if (const Value* value = find_in(prefixes_, name.substr(0, dot + 1))) return value;
            }
        }
        return nullptr;
    }

    bool empty() const { return exact_.empty() && suffixes_.empty() && prefixes_.empty(); }

 private:
    struct Hash {
        using is_transparent = void;
        size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    using Table = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

    static Added added(Table& table, std::string&& name, Value&& value) {
        return table.emplace(std::move(name), std::move(value)).second ? Added::yes : Added::conflict;
    }

    static const Value* find_in(const Table& table, std::string_view name) {
        if (table.empty()) return nullptr;
        auto found = table.find(name);
        return found == table.end() ? nullptr : &found->second;
    }

    static bool is_well_formed(std::string_view name) {
        return std::ranges::count(name, '*') <= 1 && name.find("..") == name.npos && name.find('\0') == name.npos;
    }

    Table exact_;
    Table selves_;    // of ".example.com": the name itself
    Table suffixes_;  // ".example.com": all below it
    Table prefixes_;  // "www.example."
};

}  // namespace ringx::http

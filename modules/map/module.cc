// modules/map/module.cc - `map`: a variable whose value depends on what a text with variables is.
//
// Looked up when the variable is first asked for: texts (and with `hostnames` wildcards) first, then regular
// expressions in the order they were written, then the default. What was found stays for the request unless the map is
// volatile. Texts compare without case; a regular expression that matches leaves its captures, which the value may use.
#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "base/format.h"
#include "http/captures.h"
#include "http/module.h"
#include "http/name_table.h"
#include "http/regex.h"

namespace ringx::http {
namespace {

struct Map {
    Template subject;
    NameTable<Template> names;
    std::vector<std::pair<std::unique_ptr<Regex>, Template>> regexes;
    Template otherwise;
    bool has_default = false;
    bool has_hostnames = false;
    bool is_volatile = false;
};

// What the configuration's maps are; their variables point to them.
struct Settings {
    std::vector<std::unique_ptr<Map>> maps;
};

const Template& find_in(const Map& map, Request& request, std::string_view text) {
    std::array<char, 256> few;
    std::span<char> lower = text.size() <= few.size() ? std::span(few).first(text.size())
                                                      : std::span(request.arena.text(text.size()), text.size());
    std::ranges::transform(text, lower.begin(), to_lower);
    if (const Template* value = map.names.find({lower.data(), lower.size()})) return *value;
    if (text.empty()) return map.otherwise;  // as nginx: patterns are not asked about nothing
    for (const auto& [regex, value] : map.regexes) {
        if (match_into(request, *regex, text)) return value;
    }
    return map.otherwise;
}

VariableValue look_up(Request& request, const VariableUse& use) {
    const Map& map = *static_cast<const Map*>(use.data);
    std::string_view text = map.subject.evaluate(request);
    if (map.has_hostnames && text.ends_with('.')) text.remove_suffix(1);
    return find_in(map, request, text).evaluate(request);
}

void add_regex(Map& map, conf::Binding& binding, const conf::Word& word, Template value) {
    std::string_view pattern = word.text.substr(1);
    bool caseless = pattern.starts_with('*');
    if (caseless) pattern.remove_prefix(1);
    auto regex = Regex::compile(pattern, caseless);
    if (!regex) return binding.mistake(word, regex.error().sentence);
    define_captures(binding, word, **regex);
    map.regexes.emplace_back(std::move(*regex), std::move(value));
}

void add_name(Map& map, conf::Binding& binding, const conf::Word& word, Template value) {
    std::string_view name = word.text;
    if (name.starts_with('\\')) name.remove_prefix(1);
    using Added = NameTable<Template>::Added;
    switch (map.names.add(name, std::move(value), map.has_hostnames)) {
        case Added::yes: return;
        case Added::conflict: return binding.mistake(word, text::format("conflicting parameter \"{}\"", name));
        case Added::invalid: return binding.mistake(word, text::format("invalid hostname or wildcard \"{}\"", name));
    }
}

void read_line(Map& map, conf::Binding& binding, const conf::Statement& line) {
    const conf::Word& first = line.words[0];
    if (line.has_block) return binding.mistake(first, "unexpected \"{\"");
    if (line.words.size() == 1 && first.text == "hostnames") {
        map.has_hostnames = true;
        return;
    }
    if (line.words.size() == 1 && first.text == "volatile") {
        map.is_volatile = true;
        return;
    }
    if (line.words.size() != 2) return binding.mistake(first, "invalid number of the map parameters");

    auto value = Template::compile(binding, line.words[1]);
    if (!value) return;
    if (first.text == "default") {
        if (map.has_default) return binding.mistake(first, "duplicate default map parameter");
        map.has_default = true;
        map.otherwise = std::move(*value);
        return;
    }
    if (first.text.starts_with('~')) return add_regex(map, binding, first, std::move(*value));
    add_name(map, binding, first, std::move(*value));
}

void add_map(Settings& settings, conf::Binding& binding) {
    auto words = binding.words();
    auto subject = Template::compile(binding, words[0]);
    auto name = variable_name(binding, words[1]);
    if (!subject || !name) return;
    Map& map = *settings.maps.emplace_back(std::make_unique<Map>());
    map.subject = std::move(*subject);
    for (const conf::Statement& line : binding.children()) read_line(map, binding, line);
    VariableNames& names = variable_names.in(binding.block());
    names.define_cached(binding, words[1], *name, look_up, &map, map.is_volatile);
}

constexpr conf::Directive directives[] = {
    conf::block<&add_map>("map", conf::http, {2, 2}, "A variable whose value depends on that of others.")
        .shown_as("string $variable"),
    conf::accepted<uint32_t>("map_hash_max_size", conf::http, "Tables size themselves."),
    conf::accepted<uint32_t>("map_hash_bucket_size", conf::http, "Tables size themselves."),
};

constinit conf::Slot<Settings> settings;

}  // namespace

extern constinit const Module map_module = {
    .name = "map",
    .directives = directives,
    .settings = &settings,
};

}  // namespace ringx::http

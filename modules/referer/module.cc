// modules/referer/module.cc - `valid_referers`, and $invalid_referer that tells when the Referer is none of them.
//
// A referer is a host name, perhaps with wildcards and the beginning of a path, or a regular expression over all that
// follows the scheme. `server_names` stands for the names of the server, wherever they are written in it.
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "base/format.h"
#include "http/module.h"
#include "http/name_table.h"
#include "http/regex.h"
#include "http/server_settings.h"
#include "http/text.h"

namespace ringx::http {
namespace {

constexpr size_t host_bytes_max = 256;

struct Referers {
    NameTable<std::string_view> hosts;  // with the beginning of the path that is asked for, or nothing
    std::vector<std::shared_ptr<const Regex>> regexes;
    std::vector<std::shared_ptr<const Regex>> server_regexes;
    bool none = false;
    bool blocked = false;
    bool server_names = false;
    bool given = false;
    bool completed = false;

    bool empty() const { return hosts.empty() && regexes.empty() && server_regexes.empty(); }
};

struct Settings {
    std::shared_ptr<Referers> referers = std::make_shared<Referers>();

    void inherit(const Settings& outer) {
        if (!referers->given) {
            referers = outer.referers;
            return;
        }
        // As in nginx, regular expressions are inherited by themselves.
        if (referers->regexes.empty()) referers->regexes = outer.referers->regexes;
        if (!referers->server_names) referers->server_regexes = outer.referers->server_regexes;
    }
    void complete(conf::Completion& completion);
};

constinit conf::Slot<Settings> settings;

// --- at run time

// Takes the scheme off; false when there is none that leads to a site.
bool take_scheme(std::string_view& referer) {
    constexpr size_t shortest = std::string_view("http://i.ru").size();
    if (referer.size() < shortest) return false;
    for (std::string_view scheme : {"http://", "https://"}) {
        if (!equals_ignore_case(referer.substr(0, scheme.size()), scheme)) continue;
        referer.remove_prefix(scheme.size());
        return true;
    }
    return false;
}

bool any_matches(const std::vector<std::shared_ptr<const Regex>>& regexes, std::string_view text) {
    return std::ranges::any_of(regexes, [&](const auto& regex) { return regex->match(text); });
}

bool is_valid(const Referers& referers, std::string_view referer) {
    if (!take_scheme(referer)) return referers.blocked;
    size_t host_end = std::min(referer.find_first_of("/:"), referer.size());
    if (host_end >= host_bytes_max) return false;
    std::array<char, host_bytes_max> lower;
    std::ranges::transform(referer.substr(0, host_end), lower.begin(), to_lower);
    std::string_view host(lower.data(), host_end);
    if (const std::string_view* path = referers.hosts.find(host)) {
        return path->empty() || referer.substr(std::min(referer.find('/'), referer.size())).starts_with(*path);
    }
    return any_matches(referers.server_regexes, host) || any_matches(referers.regexes, referer);
}

VariableValue invalid_referer(Request& request, const VariableUse&) {
    const Referers& referers = *settings.in(*request.block).referers;
    if (referers.empty()) return "";
    const Field* field = request.head.find(Header::referer);
    bool valid = field == nullptr ? referers.none : is_valid(referers, field->value);
    return valid ? "" : "1";
}

// --- the configuration

void add_host(Referers& referers, conf::Binding& binding, const conf::Word& word) {
    size_t slash = word.text.find('/');
    std::string_view host = word.text.substr(0, slash);
    std::string_view path = slash == word.text.npos ? std::string_view() : word.text.substr(slash);
    using Added = NameTable<std::string_view>::Added;
    switch (referers.hosts.add(host, path, true)) {
        case Added::yes: return;
        case Added::conflict: return binding.mistake(word, text::format("conflicting parameter \"{}\"", host));
        case Added::invalid: return binding.mistake(word, text::format("invalid hostname or wildcard \"{}\"", host));
    }
}

void add_regex(Referers& referers, conf::Binding& binding, const conf::Word& word) {
    if (word.text.size() == 1) return binding.mistake(word, text::format("empty regex in \"{}\"", word.text));
    auto regex = Regex::compile(word.text.substr(1), true);
    if (!regex) return binding.mistake(word, regex.error().sentence);
    referers.regexes.push_back(std::move(*regex));
}

void add_referers(Settings& settings, conf::Binding& binding) {
    Referers& referers = *settings.referers;
    referers.given = true;
    for (const conf::Word& word : binding.words()) {
        if (word.text.empty()) {
            binding.mistake(word, "invalid referer \"\"");
        } else if (word.text == "none") {
            referers.none = true;
        } else if (word.text == "blocked") {
            referers.blocked = true;
        } else if (word.text == "server_names") {
            referers.server_names = true;
        } else if (word.text.starts_with('~')) {
            add_regex(referers, binding, word);
        } else {
            add_host(referers, binding, word);
        }
    }
}

// One that is named in valid_referers too stays as it is there.
void add_server_name(Referers& referers, const ServerName& name) {
    switch (name.kind) {
        case ServerName::Kind::exact: (void)referers.hosts.add(name.text, {}, true); return;
        case ServerName::Kind::suffix: (void)referers.hosts.add("*" + std::string(name.text), {}, true); return;
        case ServerName::Kind::prefix: (void)referers.hosts.add(std::string(name.text) + "*", {}, true); return;
        case ServerName::Kind::regex: referers.server_regexes.push_back(name.regex); return;
    }
}

void Settings::complete(conf::Completion& completion) {
    if (!referers->given || referers->completed) return;  // inner blocks share the table
    referers->completed = true;
    if (referers->server_names) {
        for (const ServerName& name : server_settings.in(completion.block()).names) add_server_name(*referers, name);
    }
    if ((!referers->none && !referers->blocked) || !referers->hosts.empty()) return;
    completion.mistake("the \"none\" or \"blocked\" referers are specified in the \"valid_referers\" directive without "
                       "any valid referer");
}

constexpr auto anywhere = conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::custom<&add_referers>("valid_referers", anywhere, conf::at_least_one,
                                "For which Referer fields $invalid_referer is empty.")
        .shown_as("none | blocked | server_names | name ..."),
    conf::accepted<uint32_t>("referer_hash_max_size", anywhere, "Tables size themselves."),
    conf::accepted<uint32_t>("referer_hash_bucket_size", anywhere, "Tables size themselves."),
};

constexpr Variable variables[] = {
    {"invalid_referer", invalid_referer, false, true},
};

}  // namespace

extern constinit const Module referer_module = {
    .name = "referer",
    .directives = directives,
    .settings = &settings,
    .variables = variables,
};

}  // namespace ringx::http

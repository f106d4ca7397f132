// modules/access/module.cc - `allow` and `deny`: who may come in, by address.
//
// Rules stand in the order of the text, and the first that fits decides; without one the request is let in by nobody
// and refused by nobody, which matters to `satisfy any`. As in nginx, an IPv4 client of an IPv6 socket is judged by the
// IPv4 rules when there are any.
#include <algorithm>

#include "base/format.h"
#include "http/core_settings.h"
#include "http/module.h"
#include "net/cidr.h"

namespace ringx::http {
namespace {

struct Rule {
    bool allows;
    bool is_for_all;
    Cidr block;

    bool speaks_of(sa_family_t family) const { return is_for_all || block.family == family; }
};

struct Settings {
    Setting<std::vector<Rule>> rules;
};

void add_rule(Settings& settings, conf::Binding& binding) {
    const conf::Word& word = binding.words()[0];
    Rule rule{.allows = binding.name() == "allow", .is_for_all = word.text == "all", .block = {}};
    if (!rule.is_for_all) {
        bool had_host_bits = false;
        auto block = Cidr::parse(word.text, had_host_bits);
        if (!block) {
            return binding.mistake(word, text::format("invalid parameter \"{}\"", word.text),
                                   "expected an address, a block like 10.0.0.0/8, unix: or all");
        }
        if (had_host_bits) binding.warn(word, text::format("low address bits of {} are meaningless", word.text));
        rule.block = *block;
    }
    settings.rules.value.push_back(rule);
    settings.rules.given = true;
}

constexpr auto anywhere = conf::http | conf::server | conf::location | conf::limit_except;

constexpr conf::Directive directives[] = {
    conf::custom<&add_rule, &Settings::rules>("allow", anywhere, {1, 1}, "Let these addresses in.")
        .shown_as("address | CIDR | unix: | all"),
    conf::custom<&add_rule, &Settings::rules>("deny", anywhere, {1, 1}, "Keep these addresses out.")
        .shown_as("address | CIDR | unix: | all"),
};

constinit conf::Slot<Settings> settings;

Answer judge(Request& request) {
    const std::vector<Rule>& rules = *settings.in(*request.block).rules;
    Address client = request.remote();
    bool has_ipv4_rules = std::ranges::any_of(rules, [](const Rule& rule) { return rule.speaks_of(AF_INET); });
    if (has_ipv4_rules) client = unmapped(client);
    auto fits = [&client](const Rule& rule) { return rule.is_for_all || rule.block.contains(client); };
    auto rule = std::ranges::find_if(rules, fits);
    if (rule == rules.end()) return Answer::pass();
    if (rule->allows) return Answer::granted();
    // Of `satisfy any` it is said when nobody else has let the request in.
    if (*request.core->satisfy == CoreSettings::Satisfy::all) {
        request.log().write(Level::error, request.log_context(), "access forbidden by rule");
    }
    return Answer::of_status(403);
}

}  // namespace

extern constinit const Module access_module = {
    .name = "access",
    .directives = directives,
    .settings = &settings,
    .applies = [](const conf::Block& block) { return !settings.in(block).rules->empty(); },
    .access = judge,
};

}  // namespace ringx::http

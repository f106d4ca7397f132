#include "modules/proxy/rewriting.h"

#include "base/format.h"
#include "http/captures.h"
#include "http/known_regexes.h"
#include "http/request.h"
#include "http/text.h"
#include "modules/proxy/settings.h"

namespace ringx::http::proxy {
namespace {

std::optional<std::string_view> apply_first(Request& request, const RewriteRules& rules, std::string_view value) {
    for (const RewriteRule& rule : rules) {
        if (auto rewritten = rule.apply(request, value)) return rewritten;
    }
    return std::nullopt;
}

// `off` stands alone. True when there is a rule to be read.
template <typename Rule>
bool begin_rules(Setting<std::vector<Rule>>& rules, conf::Binding& binding, bool has_default) {
    auto words = binding.words();
    bool is_off = words.size() == 1 && words[0].text == "off";
    if (rules.given && (is_off || rules->empty())) {
        binding.duplicate();
        return false;
    }
    if (!rules.given) rules.value.clear();
    if (is_off) rules.given = true;
    if (words.size() > 1 || is_off) return !is_off;
    bool is_default = has_default && words[0].text == "default";
    if (!is_default) binding.mistake(words[0], text::format("invalid parameter \"{}\"", words[0].text));
    return is_default;
}

void add_rule(Setting<RewriteRules>& rules, conf::Binding& binding, RewriteRule::Kind kind) {
    conf::Word pattern = binding.words()[0], replacement = binding.words()[1];
    bool is_domain = kind == RewriteRule::Kind::domain;
    RewriteRule rule;
    if (pattern.text.starts_with('~')) {
        bool says_caseless = !is_domain && pattern.text.starts_with("~*");
        rule.kind = RewriteRule::Kind::regex;
        rule.regex = compile_regex(binding, pattern, pattern.text.substr(says_caseless ? 2 : 1),
                                   is_domain || says_caseless);
        if (rule.regex == nullptr) return;
    } else {
        rule.kind = kind;
        if (is_domain) pattern.text = without_dot(pattern.text);
        if (is_domain) replacement.text = without_dot(replacement.text);
        auto compiled = Template::compile(binding, pattern);
        if (!compiled) return;
        rule.pattern = std::move(*compiled);
    }
    auto compiled = Template::compile(binding, replacement);
    if (!compiled) return;
    rule.replacement = std::move(*compiled);
    rules.value.push_back(std::move(rule));
    rules.given = true;
}

// Nothing changes where none of them is known; one that is not is a mistake that only shows now.
CookieFlags find_flags(Request& request, const std::vector<CookieFlagsRule>& rules, std::string_view name) {
    CookieFlags flags;
    for (const CookieFlagsRule& rule : rules) {
        if (!rule.fits(request, name)) continue;
        for (const Template& text : rule.flags) {
            std::string_view word = text.evaluate(request);
            if (word.empty() || flags.add(word)) continue;
            request.log().write(Level::error, request.log_context(), "invalid proxy_cookie_flags flag \"{}\"", word);
        }
        break;
    }
    return flags;
}

}  // namespace

std::optional<std::string_view> RewriteRule::apply(Request& request, std::string_view value) const {
    switch (kind) {
        case Kind::prefix: {
            std::string_view begin = pattern.evaluate(request);
            if (!value.starts_with(begin)) return std::nullopt;
            return request.arena.join({replacement.evaluate(request), value.substr(begin.size())});
        }
        case Kind::domain: {
            std::string_view domain = without_dot(value);
            if (!equals_ignore_case(domain, pattern.evaluate(request))) return std::nullopt;
            std::string_view dot = value.substr(0, value.size() - domain.size());
            return request.arena.join({dot, replacement.evaluate(request)});
        }
        case Kind::regex: break;
    }
    if (!match_into(request, *regex, value)) return std::nullopt;
    return replacement.evaluate(request);
}

bool CookieFlagsRule::fits(Request& request, std::string_view name) const {
    if (regex != nullptr) return match_into(request, *regex, name);
    return equals_ignore_case(cookie.evaluate(request), name);
}

std::optional<std::string_view> rewrite_location(Request& request, const RewriteRules& rules, std::string_view value) {
    return apply_first(request, rules, value);
}

std::optional<std::string_view> rewrite_refresh(Request& request, const RewriteRules& rules, std::string_view value) {
    if (rules.empty()) return std::nullopt;
    auto begin = find_refresh_url(value);
    if (!begin) return std::nullopt;
    auto url = apply_first(request, rules, value.substr(*begin));
    if (!url) return std::nullopt;
    return request.arena.join({value.substr(0, *begin), *url});
}

std::optional<std::string_view> rewrite_cookie(Request& request, const CookieRules& rules, std::string_view value) {
    if (rules.empty()) return std::nullopt;
    Cookie cookie(value);
    if (!cookie.is_valid()) return std::nullopt;
    auto by = [&request](const RewriteRules& some) {
        return [&request, &some](std::string_view& part) {
            auto rewritten = apply_first(request, some, part);
            if (rewritten) part = *rewritten;
            return rewritten.has_value();
        };
    };
    bool changed = cookie.change("Domain", by(rules.domains));
    changed = cookie.change("Path", by(rules.paths)) || changed;
    CookieFlags flags = find_flags(request, rules.flags, cookie.name());
    if (flags.empty() && !changed) return std::nullopt;
    cookie.set(flags);
    return request.arena.copy(cookie.text());
}

RewriteRule default_redirect(std::string_view server_prefix, std::string_view own_prefix) {
    RewriteRule rule;
    rule.pattern = Template::constant(server_prefix);
    rule.replacement = Template::constant(own_prefix);
    return rule;
}

void add_redirect(Settings& settings, conf::Binding& binding) {
    if (!begin_rules(settings.redirects, binding, true)) return;
    auto words = binding.words();
    if (words.size() > 1) return add_rule(settings.redirects, binding, RewriteRule::Kind::prefix);
    if (!settings.pass.is_given) {
        return binding.mistake(words[0], "\"proxy_redirect default\" should be placed after the \"proxy_pass\" "
                                         "directive");
    }
    if (settings.pass.has_variables()) {
        return binding.mistake(words[0], "\"proxy_redirect default\" cannot be used with \"proxy_pass\" directive with "
                                         "variables");
    }
    settings.redirects.value.push_back(default_redirect(settings.pass.server_prefix, settings.pass.own_prefix));
    settings.redirects.given = true;
}

void add_cookie_domain(Settings& settings, conf::Binding& binding) {
    if (!begin_rules(settings.cookie_domains, binding, false)) return;
    add_rule(settings.cookie_domains, binding, RewriteRule::Kind::domain);
}

void add_cookie_path(Settings& settings, conf::Binding& binding) {
    if (!begin_rules(settings.cookie_paths, binding, false)) return;
    add_rule(settings.cookie_paths, binding, RewriteRule::Kind::prefix);
}

void add_cookie_flags(Settings& settings, conf::Binding& binding) {
    if (!begin_rules(settings.cookie_flags, binding, false)) return;
    auto words = binding.words();
    CookieFlagsRule rule;
    if (words[0].text.starts_with('~')) {
        rule.regex = compile_regex(binding, words[0], words[0].text.substr(1), true);
        if (rule.regex == nullptr) return;
    } else {
        auto cookie = Template::compile(binding, words[0]);
        if (!cookie) return;
        rule.cookie = std::move(*cookie);
    }
    for (const conf::Word& word : words.subspan(1)) {
        auto text = Template::compile(binding, word);
        if (!text) return;
        if (text->is_constant() && !text->empty() && !CookieFlags().add(text->constant_text())) {
            binding.warn(word, text::format("invalid proxy_cookie_flags flag \"{}\"", word.text));
        }
        rule.flags.push_back(std::move(*text));
    }
    settings.cookie_flags.value.push_back(std::move(rule));
    settings.cookie_flags.given = true;
}

}  // namespace ringx::http::proxy

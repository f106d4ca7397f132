// modules/proxy/rewriting.h - `proxy_redirect` and `proxy_cookie_…`: URLs and cookies mean something to clients, too.
//
// A rule is a text that a value begins with (or is, for domains) or a regular expression, and what takes its place.
// The first one that fits is applied. What none fits stays byte for byte what the server sent.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "conf/language.h"
#include "http/regex.h"
#include "http/variables.h"
#include "modules/proxy/cookie.h"

namespace ringx::http::proxy {

struct Settings;

// One `proxy_redirect`, `proxy_cookie_domain` or `proxy_cookie_path`.
struct RewriteRule {
    enum class Kind : uint8_t { prefix, domain, regex } kind = Kind::prefix;
    Template pattern;
    std::shared_ptr<const Regex> regex;
    Template replacement;

    // What becomes of the value, in the request's memory; nothing when the rule does not fit. REQUIRES: the value lives
    // as long as the request.
    std::optional<std::string_view> apply(Request& request, std::string_view value) const;
};

// One `proxy_cookie_flags`. The flags are texts because they may have variables in them.
struct CookieFlagsRule {
    Template cookie;
    std::shared_ptr<const Regex> regex;
    std::vector<Template> flags;

    bool fits(Request& request, std::string_view name) const;
};

using RewriteRules = std::vector<RewriteRule>;

// Without a rule nothing is rewritten: that is `off`, too.
struct CookieRules {
    const RewriteRules& domains;
    const RewriteRules& paths;
    const std::vector<CookieFlagsRule>& flags;

    bool empty() const { return domains.empty() && paths.empty() && flags.empty(); }
};

// Each gives nothing when the value stays as it is. REQUIRES: the value lives as long as the request.
std::optional<std::string_view> rewrite_location(Request& request, const RewriteRules& rules, std::string_view value);
std::optional<std::string_view> rewrite_refresh(Request& request, const RewriteRules& rules, std::string_view value);
std::optional<std::string_view> rewrite_cookie(Request& request, const CookieRules& rules, std::string_view value);

// What `proxy_redirect default` says: the prefix that stands for the server, and ours.
RewriteRule default_redirect(std::string_view server_prefix, std::string_view own_prefix);

// Read the directives into the settings of their block.
void add_redirect(Settings& settings, conf::Binding& binding);
void add_cookie_domain(Settings& settings, conf::Binding& binding);
void add_cookie_path(Settings& settings, conf::Binding& binding);
void add_cookie_flags(Settings& settings, conf::Binding& binding);

}  // namespace ringx::http::proxy

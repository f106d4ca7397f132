#include "http/gzip_choice.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/format.h"
#include "http/http_date.h"
#include "http/regex.h"
#include "http/text.h"

namespace ringx::http {
namespace {

enum class Version : uint8_t { http_1_0, http_1_1 };
enum class Proxied : uint8_t { off, expired, no_cache, no_store, private_, no_last_modified, no_etag, auth, any };

constexpr std::array<conf::Choice<Version>, 2> choices(Version) {
    return {{{"1.0", Version::http_1_0}, {"1.1", Version::http_1_1}}};
}

constexpr std::array<conf::Choice<Proxied>, 9> choices(Proxied) {
    return {{{"off", Proxied::off}, {"expired", Proxied::expired}, {"no-cache", Proxied::no_cache},
             {"no-store", Proxied::no_store}, {"private", Proxied::private_},
             {"no_last_modified", Proxied::no_last_modified}, {"no_etag", Proxied::no_etag}, {"auth", Proxied::auth},
             {"any", Proxied::any}}};
}

// User agents that get nothing compressed.
struct Disabled {
    bool msie6 = false;
    std::vector<std::shared_ptr<const Regex>> agents;
};

struct Settings {
    Setting<bool> vary{false};
    Setting<Version> http_version{Version::http_1_1};
    Setting<conf::Flags<Proxied>> proxied{conf::Flags<Proxied>{Proxied::off}};
    Setting<Disabled> disabled;
};

constinit conf::Slot<Settings> gzip_settings;

void add_disabled(Settings& settings, conf::Binding& binding) {
    settings.disabled.given = true;
    for (const conf::Word& word : binding.words()) {
        if (word.text == "msie6") {
            settings.disabled.value.msie6 = true;
            continue;
        }
        auto regex = Regex::compile(word.text, true);
        if (!regex) {
            binding.mistake(word, regex.error().sentence);
            continue;
        }
        settings.disabled.value.agents.push_back(std::move(*regex));
    }
}

constexpr auto everywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::value<&Settings::vary>("gzip_vary", everywhere, "Say Vary: Accept-Encoding where answers may be compressed."),
    conf::value<&Settings::http_version>("gzip_http_version", everywhere,
                                         "The least version that gets compressed answers."),
    conf::value<&Settings::proxied>("gzip_proxied", everywhere, "Which answers to proxies are compressed."),
    conf::custom<&add_disabled, &Settings::disabled>("gzip_disable", everywhere, conf::at_least_one,
                                                     "User agents that get nothing compressed.")
        .shown_as("msie6 | regex ..."),
};

// A weight behind `q=`, in hundredths as nginx adds them up: only zero matters, and what is none counts as zero.
unsigned quality(std::string_view text) {
    if (text.empty() || (text[0] != '0' && text[0] != '1')) return 0;
    unsigned weight = text[0] == '1' ? 100 : 0;
    text.remove_prefix(1);
    if (text.empty() || text[0] == ',' || text[0] == ' ') return weight;
    if (text[0] != '.') return 0;
    unsigned digits = 0;
    for (char c : text.substr(1)) {
        if (c == ',' || c == ' ') break;
        if (!is_digit(c)) return 0;
        weight += static_cast<unsigned>(c - '0');
        ++digits;
    }
    return weight > 100 || digits > 3 ? 0 : weight;
}

// What stands behind the coding's name: nothing, another coding, or its weight.
bool is_admitted(std::string_view rest) {
    size_t at = rest.find_first_not_of(' ');
    if (at == rest.npos || rest[at] == ',') return true;
    if (rest[at] != ';') return false;
    at = rest.find_first_not_of(' ', at + 1);
    if (at == rest.npos) return true;
    if (to_lower(rest[at]) != 'q') return false;
    rest.remove_prefix(at + 1);
    return rest.size() >= 2 && rest[0] == '=' && quality(rest.substr(1)) != 0;
}

// MSIE 4 to 6, but for those of the second service pack of Windows XP.
bool is_msie6(std::string_view agent) {
    size_t at = agent.find("MSIE ");
    if (at == agent.npos || at + 7 >= agent.size() || agent[at + 6] != '.') return false;
    char version = agent[at + 5];
    return version == '4' || version == '5' || (version == '6' && agent.find("SV1", at + 8) == agent.npos);
}

bool has_directive(std::string_view list, std::string_view name) {
    while (!list.empty()) {
        std::string_view element = take_element(list);
        if (equals_ignore_case(element.substr(0, element.find('=')), name)) return true;
    }
    return false;
}

bool has_expired(const Request& request, const Response& response, std::string_view expires) {
    auto end = parse_http_date(expires);
    const ResponseField* said = response.fields.find("Date");
    auto now = said != nullptr ? parse_http_date(said->value) : request.worker->clock.seconds();
    return end && now && *end < *now;
}

// The request came through a proxy.
bool may_be_kept_by_proxies(const Request& request, const Response& response, conf::Flags<Proxied> rules) {
    if (rules.has(Proxied::off)) return false;
    if (rules.has(Proxied::any)) return true;
    if (rules.has(Proxied::auth) && request.head.find(Header::authorization) != nullptr) return true;
    if (const ResponseField* expires = response.fields.find("Expires")) {
        return rules.has(Proxied::expired) && has_expired(request, response, expires->value);
    }
    if (const ResponseField* control = response.fields.find("Cache-Control")) {
        return (rules.has(Proxied::no_cache) && has_directive(control->value, "no-cache")) ||
               (rules.has(Proxied::no_store) && has_directive(control->value, "no-store")) ||
               (rules.has(Proxied::private_) && has_directive(control->value, "private"));
    }
    if (rules.has(Proxied::no_last_modified) && response.last_modified >= 0) return false;
    return !rules.has(Proxied::no_etag) || response.etag.empty();
}

}  // namespace

const conf::Section gzip_choice_section{"gzip_choice", directives, &gzip_settings};

bool accepts_gzip(std::string_view list) {
    constexpr std::string_view name = "gzip";
    for (size_t at = 0; at + name.size() <= list.size(); ++at) {
        if (!equals_ignore_case(list.substr(at, name.size()), name)) continue;
        if (at == 0 || list[at - 1] == ',' || list[at - 1] == ' ') return is_admitted(list.substr(at + name.size()));
        at += name.size() - 1;
    }
    return false;
}

bool wants_gzip(Request& request, const Response& response) {
    const Field* accepted = request.head.find(Header::accept_encoding);
    if (accepted == nullptr || !accepts_gzip(accepted->value)) return false;
    const Settings& settings = gzip_settings.in(*request.block);
    std::string_view agent = request.head.value(Header::user_agent);
    if (settings.disabled->msie6 && is_msie6(agent)) return false;
    if (request.head.minor_version < (*settings.http_version == Version::http_1_1 ? 1 : 0)) return false;
    bool by_proxy = request.head.find(Header::via) != nullptr;
    if (by_proxy && !may_be_kept_by_proxies(request, response, *settings.proxied)) return false;
    bool has_agent = request.head.find(Header::user_agent) != nullptr;
    return !has_agent || std::ranges::none_of(settings.disabled->agents, [agent](const auto& regex) {
        return regex->match(agent);
    });
}

bool says_vary(const Request& request) { return *gzip_settings.in(*request.block).vary; }

void vary_by_encoding(Request& request, Response& response) {
    static constexpr std::string_view field = "Accept-Encoding";
    if (!says_vary(request)) return;
    for (const ResponseField* said = response.fields.first(); said != nullptr; said = said->next) {
        if (said->value.data() == field.data()) return;
    }
    response.fields.add(request.arena, "Vary", field);
}

}  // namespace ringx::http

#include "http/server_settings.h"

#include <unistd.h>

#include <algorithm>

#include "base/format.h"
#include "http/head.h"
#include "http/known_regexes.h"
#include "http/listen_directive.h"
#include "http/variables.h"

namespace ringx::http {
namespace {

void open_http(HttpSettings& settings, conf::Binding& binding) {
    if (settings.http != nullptr) return binding.duplicate();
    binding.enter(conf::http, [&](conf::Block& block) { settings.http = &block; });
}

void open_server(ServerSettings&, conf::Binding& binding);

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; });
    return result;
}

bool has_upper_case(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

// Where `*` may stand: once, as a whole first or last label.
bool is_wildcard_misplaced(std::string_view name) {
    size_t star = name.find('*');
    if (star == std::string_view::npos) return false;
    if (name.find('*', star + 1) != std::string_view::npos) return true;
    bool first = star == 0 && name.size() > 2 && name[1] == '.';
    bool last = star == name.size() - 1 && name.size() > 2 && name[star - 1] == '.';
    return !first && !last;
}

void add_name(ServerSettings& settings, conf::Binding& binding, const conf::Word& word) {
    std::string_view text = word.text;
    if (text.starts_with('~')) {
        std::string_view pattern = text.substr(1);
        if (pattern.empty()) return binding.mistake(word, "empty regex in server name \"~\"");
        auto regex = compile_regex(binding, word, pattern, has_upper_case(pattern));
        if (regex) settings.names.push_back({ServerName::Kind::regex, text, std::move(regex)});
        return;
    }
    if (is_wildcard_misplaced(text) || text.find('/') != std::string_view::npos) {
        std::string sentence = text::format("server name \"{}\" is invalid", text);
        if (text.find('/') == std::string_view::npos) return binding.mistake(word, std::move(sentence));
        binding.warn(word, text::format("server name \"{}\" has suspicious symbols", text));
    }

    std::string_view name = binding.arena().copy(lower(text));
    if (name.starts_with("*.")) {
        settings.names.push_back({ServerName::Kind::suffix, name.substr(1), nullptr});
    } else if (name.ends_with(".*")) {
        settings.names.push_back({ServerName::Kind::prefix, name.substr(0, name.size() - 1), nullptr});
    } else if (name.starts_with('.')) {
        settings.names.push_back({ServerName::Kind::exact, name.substr(1), nullptr});
        settings.names.push_back({ServerName::Kind::suffix, name, nullptr});
    } else {
        settings.names.push_back({ServerName::Kind::exact, name, nullptr});
    }
}

// $server_name: names of hosts are lower case, patterns stay as they are.
std::string_view first_name(Arena& arena, std::string_view name) {
    if (name.starts_with('~')) return name;
    return arena.copy(lower(name.starts_with('.') ? name.substr(1) : name));
}

void set_server_name(ServerSettings& settings, conf::Binding& binding) {
    for (const conf::Word& word : binding.words()) {
        conf::Word name = word;
        if (name.text == "$hostname") {
            char hostname[256] = {};
            gethostname(hostname, sizeof hostname - 1);
            name.text = binding.arena().copy(hostname);
        }
        if (settings.names.empty() && settings.first_name.empty()) {
            settings.first_name = first_name(binding.arena(), name.text);
        }
        add_name(settings, binding, name);
    }
}

std::optional<LocationName> read_location_name(conf::Binding& binding) {
    auto words = binding.words();
    const conf::Word& last = words.back();
    std::string_view modifier = words.size() == 2 ? words[0].text : std::string_view();
    std::string_view text = last.text;
    if (words.size() == 1) {
        // The modifier may touch the path.
        for (std::string_view known : {"^~", "~*", "=", "~"}) {
            if (!text.starts_with(known)) continue;
            modifier = known;
            text = text.substr(known.size());
            break;
        }
    }

    if (modifier == "=") return LocationName{LocationName::Kind::exact, text, nullptr};
    if (modifier == "^~") return LocationName{LocationName::Kind::final, text, nullptr};
    if (modifier == "~" || modifier == "~*") {
        auto regex = compile_regex(binding, last, text, modifier == "~*");
        if (!regex) return std::nullopt;
        return LocationName{LocationName::Kind::regex, text, std::move(regex)};
    }
    if (!modifier.empty()) {
        binding.mistake(words[0], text::format("invalid location modifier \"{}\"", modifier),
                        "expected =, ^~, ~ or ~*");
        return std::nullopt;
    }
    auto kind = text.starts_with('@') ? LocationName::Kind::named : LocationName::Kind::prefix;
    return LocationName{kind, text, nullptr};
}

// Whether a location of this name may stand in the block; complains if not.
bool may_stand(conf::Binding& binding, const LocationName& name) {
    using Kind = LocationName::Kind;
    const conf::Word& word = binding.words().back();
    const LocationName& outer = location_settings.in(binding.block()).name;

    auto refuse = [&](std::string_view why, std::string_view what = "location") {
        binding.mistake(word, text::format("{} \"{}\" {}", what, name.text, why));
        return false;
    };
    if (outer.kind == Kind::exact) {
        return refuse(text::format("cannot be inside the exact location \"{}\"", outer.text));
    }
    if (outer.kind == Kind::named) {
        return refuse(text::format("cannot be inside the named location \"{}\"", outer.text));
    }
    if (outer.kind != Kind::none && name.kind == Kind::named) {
        return refuse("can be on the server level only", "named location");
    }
    bool both_plain = (outer.kind == Kind::prefix || outer.kind == Kind::final) && name.kind != Kind::regex;
    if (both_plain && !name.text.starts_with(outer.text)) {
        return refuse(text::format("is outside location \"{}\"", outer.text));
    }
    if (name.kind == Kind::regex) return true;

    for (const conf::Block* sibling : binding.block().inner()) {
        const LocationName& other = location_settings.in(*sibling).name;
        bool same_search = (other.kind == Kind::final || other.kind == Kind::prefix) &&
                           (name.kind == Kind::final || name.kind == Kind::prefix);
        if (other.text == name.text && (other.kind == name.kind || same_search)) {
            binding.mistake(word, text::format("duplicate location \"{}\"", name.text));
            return false;
        }
    }
    return true;
}

void open_location(LocationSettings&, conf::Binding& binding) {
    auto name = read_location_name(binding);
    bool fits = name && may_stand(binding, *name);
    binding.enter(conf::location, [&](conf::Block& block) {
        LocationSettings& own = location_settings.in(block);  // every location has its own
        if (fits) own.name = std::move(*name);
    });
}

void open_limit_except(LocationSettings& settings, conf::Binding& binding) {
    if (settings.exempt_methods != 0) return binding.duplicate();
    for (const conf::Word& word : binding.words()) {
        std::string upper(word.text);
        std::ranges::transform(upper, upper.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c & ~0x20 : c; });
        Method method = recognise_method(upper);
        if (method == Method::other || method == Method::trace || method == Method::connect) {
            binding.mistake(word, text::format("invalid method \"{}\"", word.text));
            continue;
        }
        settings.exempt_methods |= 1u << static_cast<unsigned>(method);
        if (method == Method::get) settings.exempt_methods |= 1u << static_cast<unsigned>(Method::head);
    }
    binding.enter(conf::limit_except);
}

void open_server(ServerSettings&, conf::Binding& binding) {
    binding.enter(conf::server, [](conf::Block& block) { (void)server_settings.in(block); });  // each has its own
}

constexpr conf::Directive http_directives[] = {
    conf::block<&open_http>("http", conf::main, {0, 0}, "Web sites: servers, locations and their settings."),
};

constexpr conf::Directive server_directives[] = {
    conf::block<&open_server>("server", conf::http, {0, 0}, "A virtual server, chosen by address and name."),
    conf::custom<&set_listen>("listen", conf::server, conf::at_least_one,
                              "An address this server accepts connections on.")
        .shown_as("address[:port[-port]] [default_server] [ssl[=optional]] [proxy_protocol] [multipath] "
                  "[backlog=number] [rcvbuf=size] [sndbuf=size] [fastopen=number] [deferred] [bind] "
                  "[ipv6only=on|off] [reuseport] [so_keepalive=on|off|[idle]:[interval]:[count]]"),
    conf::custom<&set_server_name>("server_name", conf::server, conf::at_least_one,
                                   "The names this server answers to: exact, wildcards and regular expressions.")
        .shown_as("name ..."),
};

constexpr conf::Directive location_directives[] = {
    conf::block<&open_location>("location", conf::server | conf::location, {1, 2},
                                "Settings for requests whose path matches.")
        .shown_as("[= | ~ | ~* | ^~] uri | @name"),
    conf::block<&open_limit_except>("limit_except", conf::location, conf::at_least_one,
                                    "Settings for requests with other methods than these; GET includes HEAD.")
        .shown_as("method ..."),
};

}  // namespace

bool ServerName::matches(std::string_view host) const {
    switch (kind) {
        case Kind::exact: return host == text;
        case Kind::suffix: return host.ends_with(text);
        case Kind::prefix: return host.starts_with(text);
        case Kind::regex: return regex->match(host);
    }
    return false;
}

constinit conf::Slot<ServerSettings> server_settings;
constinit conf::Slot<LocationSettings> location_settings;
constinit conf::Slot<HttpSettings> http_settings;

const conf::Section http_section{"http", http_directives, &http_settings};
const conf::Section server_section{"server", server_directives, &server_settings};
const conf::Section location_section{"location", location_directives, &location_settings};

void ServerSettings::complete(conf::Completion& completion) {
    if (completion.block().context() != conf::server) return;
    conf::Block* root = &completion.block();
    while (root->outer() != nullptr) root = root->outer();
    HttpSettings& http = http_settings.in(*root);

    if (names.empty()) names.push_back({});
    if (listens.empty()) {
        // nginx's default: what the user who started the server may bind.
        std::string_view text = geteuid() == 0 ? "*:80" : "*:8000";
        Listen listen{.address = *Address::parse(text, 80), .options = {}, .key = {}};
        listen.key = listen.address.text();
        listens.push_back({listen.key, {}});
        http.addresses.try_emplace(listen.key, ListenAddress{.listen = listen, .names = {}});
    }
    for (const ListenHere& listen : listens) {
        for (const ServerName& name : names) {
            if (name.kind == ServerName::Kind::regex) continue;
            if (http.addresses.at(listen.key).names.emplace(name.kind, name.text).second) continue;
            completion.warn(text::format("conflicting server name \"{}\" on {}, ignored", name.text, listen.key));
        }
    }
}

}  // namespace ringx::http

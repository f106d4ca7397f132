// modules/upstream/module.cc - `upstream` and what stands in its block: servers, and how one of them is chosen.
//
// Here is what the words say; net/peers and net/balancing choose, and whoever passes requests on (proxy) does the rest.
// A host that is unknown when the configuration is read is no mistake: it is looked up while the server runs.
#include <algorithm>

#include "base/format.h"
#include "http/known_addresses.h"
#include "http/module.h"
#include "http/upstream.h"

namespace ringx::http {
namespace {

constexpr uint16_t default_port = 80;

constinit conf::Slot<Upstream> settings;

void open_upstream(Upstream&, conf::Binding& binding) {
    bool has_servers = std::ranges::any_of(binding.children(), [](const conf::Statement& statement) {
        return statement.words[0].text == "server";
    });
    if (!has_servers) binding.mistake(binding.name_word(), "no servers are inside upstream");
    binding.enter(conf::upstream, [&](conf::Block& inner) {
        upstreams.in(binding.block()).open(binding, settings.in(inner));
    });
}

template <typename T>
bool read(std::string_view text, T& into) {
    auto value = conf::parse<T>(text);
    if (value) into = *value;
    return value.has_value();
}

// False when the word is no parameter of a server.
bool read_parameter(std::string_view word, PeerServer& server) {
    PeerRules& rules = server.rules;
    size_t equals = word.find('=');
    std::string_view name = word.substr(0, equals);
    if (equals == word.npos) {
        if (name == "backup") return server.backup = true;
        return name == "down" && (rules.down = true);
    }
    std::string_view value = word.substr(equals + 1);
    if (name == "weight") return read(value, rules.weight) && rules.weight > 0;
    if (name == "max_conns") return read(value, rules.max_conns);
    if (name == "max_fails") return read(value, rules.max_fails);
    std::chrono::seconds time;
    if (name != "fail_timeout" || !read(value, time)) return false;
    rules.fail_timeout_ms = static_cast<uint64_t>(time.count()) * 1000;
    return true;
}

void add_server(Upstream& upstream, conf::Binding& binding) {
    auto words = binding.words();
    PeerServer server;
    for (const conf::Word& word : words.subspan(1)) {
        if (!read_parameter(word.text, server)) {
            return binding.mistake(word, text::format("invalid parameter \"{}\"", word.text));
        }
    }
    std::string_view name = words[0].text;
    HostText host = read_host(name, default_port);
    if (!host.fault.empty()) {
        return binding.mistake(words[0], text::format("{} in upstream \"{}\"", host.fault, name));
    }
    server.name = name;
    server.port = host.port;
    server.addresses = find_addresses(binding, name, default_port);
    if (server.addresses.empty()) {
        server.name_to_resolve = host.host;
        binding.warn(words[0], text::format("host not found in upstream \"{}\"", name),
                     "it is looked up again while the server runs");
    }
    upstream.servers.push_back(std::move(server));
}

constexpr conf::Directive directives[] = {
    conf::block<&open_upstream>("upstream", conf::http, {1, 1}, "A group of servers that requests are passed on to.")
        .shown_as("name"),
    conf::custom<&add_server>("server", conf::upstream, conf::at_least_one, "A server of the group.")
        .shown_as("address [weight=number] [max_conns=number] [max_fails=number] [fail_timeout=time] [backup] [down]"),
    conf::value<&Upstream::keepalive_requests>("keepalive_requests", conf::upstream,
                                               "How many requests go over one connection to a server."),
    conf::value<&Upstream::keepalive_time>("keepalive_time", conf::upstream,
                                           "How old a connection may be that takes another request."),
    conf::value<&Upstream::keepalive_timeout>("keepalive_timeout", conf::upstream,
                                              "How long an idle connection to a server is kept."),
};

}  // namespace

extern constinit const Module upstream_module = {
    .name = "upstream",
    .directives = directives,
    .settings = &settings,
};

}  // namespace ringx::http

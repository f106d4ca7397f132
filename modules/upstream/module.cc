// modules/upstream/module.cc - `upstream` and what stands in its block: servers, and how one of them is chosen.
//
// Here is what the words say; net/peers and net/balancing choose, and whoever passes requests on (proxy) does the rest.
// A host that is unknown when the configuration is read is no mistake: it is looked up while the server runs.
#include <algorithm>
#include <cerrno>

#include "base/format.h"
#include "http/module.h"
#include "http/resolver_directive.h"
#include "http/status_zones.h"
#include "http/upstream.h"
#include "modules/upstream/methods.h"
#include "modules/upstream/servers.h"
#include "modules/upstream/sticky.h"

namespace ringx::http {
namespace {

constinit conf::Slot<Upstream> settings;

void open_upstream(Upstream&, conf::Binding& binding) {
    auto find = [&](std::string_view name) {
        auto is_it = [=](const conf::Statement& statement) { return statement.words[0].text == name; };
        auto found = std::ranges::find_if(binding.children(), is_it);
        return found == binding.children().end() ? nullptr : &*found;
    };
    const conf::Statement* server = find("server");
    bool has_state = find("state") != nullptr;
    if (server == nullptr && !has_state) binding.mistake(binding.name_word(), "no servers are inside upstream");
    if (server != nullptr && has_state) {
        binding.mistake(server->words[0], "\"server\" directive cannot be used together with \"state\"",
                        "the servers are those in the state file");
    }
    binding.enter(conf::upstream, [&](conf::Block& inner) {
        upstreams.in(binding.block()).open(binding, settings.in(inner));
    });
}

void set_keepalive(Upstream& upstream, conf::Binding& binding) {
    auto words = binding.words();
    if (upstream.keepalive.given) return binding.duplicate();
    auto connections = conf::parse_unsigned(words[0].text, UINT32_MAX);
    if (!connections) return binding.invalid(words[0], {conf::Invalid::Kind::choice, "expected a number"});
    upstream.keepalive.give(static_cast<uint32_t>(*connections));
    upstream.keepalive_local = words.size() > 1;
    if (upstream.keepalive_local && words[1].text != "local") {
        binding.mistake(words[1], text::format("invalid parameter \"{}\"", words[1].text));
    }
}

void set_queue(Upstream& upstream, conf::Binding& binding) {
    auto words = binding.words();
    if (upstream.queue.given) return binding.duplicate();
    auto count = conf::parse<uint32_t>(words[0].text);
    if (!count || *count == 0) {
        return binding.mistake(words[0], text::format("invalid value \"{}\" in \"queue\" directive", words[0].text));
    }
    upstream.queue.give(*count);
    if (words.size() == 1) return;
    constexpr std::string_view timeout = "timeout=";
    std::string_view text = words[1].text;
    bool is_timeout = text.starts_with(timeout);
    auto time = conf::parse<std::chrono::milliseconds>(is_timeout ? text.substr(timeout.size()) : "");
    if (!time) return binding.mistake(words[1], text::format("invalid parameter \"{}\"", text));
    upstream.queue_timeout = *time;
}

void set_zone(Upstream& upstream, conf::Binding& binding) {
    auto words = binding.words();
    const conf::Word& name = words[0];
    if (name.text.empty()) return binding.mistake(name, "invalid zone name \"\"");
    size_t bytes = 0;
    if (words.size() > 1) {
        auto size = conf::parse<conf::Size>(words[1].text);
        if (!size) return binding.mistake(words[1], text::format("invalid zone size \"{}\"", words[1].text));
        if (size->bytes < SharedZone::bytes_min) {
            return binding.mistake(name, text::format("zone \"{}\" is too small", name.text));
        }
        bytes = size->bytes;
    }
    NamedZones& zones = named_zones.in(binding.block());
    upstream.zone = zones.use(binding, name, name.text, bytes, "upstream");
    upstream.plans = zones.own(SharedPeerPlan::zone_use, SharedPeerPlan::zone_bytes);
}

void set_status_zone(Upstream& upstream, conf::Binding& binding) {
    const conf::Word& word = binding.words()[0];
    if (upstream.status_zone.given) return binding.duplicate();
    if (word.text == "off") return upstream.status_zone.give({});
    if (!StatusZone::is_name(word.text)) {
        return binding.mistake(word, text::format("invalid zone name \"{}\"", word.text));
    }
    upstream.status_zone.give(word.text);
    status_zones.in(binding.block()).use_of_upstream(word.text);
}

// The servers are in a file, which is there when some were changed.
void set_state(Upstream& upstream, conf::Binding& binding) {
    const conf::Word& word = binding.words()[0];
    if (upstream.state.given) return binding.duplicate();
    if (word.text.empty()) return binding.invalid(word, {conf::Invalid::Kind::choice, "expected a file"});
    std::string_view path = binding.full_path(word.text);
    upstream.state.give(path);
    auto bytes = binding.bundle().read(path);
    if (!bytes && bytes.error().number == ENOENT) return;
    std::vector<conf::Statement> servers = binding.read_file(path, word);
    for (const conf::Statement& server : servers) {
        if (server.words[0].text == "server") continue;
        return binding.mistake(server.words[0], "only \"server\" lines belong into a state file");
    }
    binding.bind(servers);
}

void set_resolver_here(Upstream& upstream, conf::Binding& binding) {
    if (upstream.resolver.given) return binding.duplicate();
    if (auto rules = read_resolver(binding)) upstream.resolver.give(std::move(rules));
}

constexpr auto here = conf::upstream;

constexpr conf::Directive directives[] = {
    conf::block<&open_upstream>("upstream", conf::http, {1, 1}, "A group of servers that requests are passed on to.")
        .shown_as("name"),
    conf::custom<&add_upstream_server>("server", here, conf::at_least_one, "A server of the group.")
        .shown_as("address [weight=number] [max_conns=number] [max_fails=number] [fail_timeout=time] [backup] [down] "
                  "[drain] [slow_start=time] [route=string] [resolve] [service=name]"),
    conf::custom<&set_zone>("zone", here, {1, 2}, "Where all workers together keep what they know of the servers.")
        .shown_as("name [size]"),
    conf::custom<&set_status_zone>("status_zone", here, {1, 1}, "Count requests to these servers under this name.")
        .shown_as("zone | off"),
    conf::custom<&set_state>("state", here, {1, 1}, "The file that keeps the list of servers, which is changed at run "
                                                    "time.").shown_as("file"),
    conf::custom<&set_hash>("hash", here, {1, 2}, "The server is chosen by a key: the same key, the same server.")
        .shown_as("key [consistent]"),
    conf::custom<&set_ip_hash>("ip_hash", here, {0, 0}, "The server is chosen by the client's address."),
    conf::custom<&set_least_conn>("least_conn", here, {0, 0},
                                  "The server with the fewest connections for its weight is chosen."),
    conf::custom<&set_least_time>("least_time", here, {1, 2},
                                  "The server that is likely to answer soonest is chosen.")
        .shown_as("header | last_byte [inflight]"),
    conf::custom<&set_random>("random", here, {0, 2}, "The server is chosen at random: one, or the better of two.")
        .shown_as("[two [least_conn | least_time=header | least_time=last_byte]]"),
    conf::custom<&set_queue>("queue", here, {1, 2},
                             "How many requests of each worker may wait until a server has room.")
        .shown_as("number [timeout=time]"),
    conf::custom<&set_sticky>("sticky", here, {2, conf::Arity::unlimited},
                              "Clients stay with the server that answered them first.")
        .shown_as("cookie name [expires=time] [domain=domain] [httponly] [samesite=strict|lax|none] [secure] "
                  "[path=path] | route $variable ... | learn create=$variable lookup=$variable zone=name:size "
                  "[timeout=time] [header]"),
    conf::custom<&set_resolver_here>("resolver", here, conf::at_least_one,
                                     "The name servers that are asked for the names of these servers.")
        .shown_as("address ... [valid=time] [ipv4=on|off] [ipv6=on|off]"),
    conf::value<&Upstream::resolver_timeout>("resolver_timeout", here, "How long looking up a name may take."),
    conf::custom<&set_keepalive>("keepalive", here, {1, 2},
                                 "How many idle connections to the servers each worker keeps.")
        .shown_as("connections [local]"),
    conf::value<&Upstream::keepalive_requests>("keepalive_requests", here,
                                               "How many requests go over one connection to a server."),
    conf::value<&Upstream::keepalive_time>("keepalive_time", here,
                                           "How old a connection may be that takes another request."),
    conf::value<&Upstream::keepalive_timeout>("keepalive_timeout", here,
                                              "How long an idle connection to a server is kept."),
};

}  // namespace

extern constinit const Module upstream_module = {
    .name = "upstream",
    .directives = directives,
    .settings = &settings,
};

}  // namespace ringx::http

#include "modules/upstream/servers.h"

#include "base/format.h"
#include "http/known_addresses.h"

namespace ringx::http {
namespace {

constexpr uint16_t default_port = 80;
constexpr size_t route_bytes_max = 32;

template <typename T>
bool read(std::string_view text, T& into) {
    auto value = conf::parse<T>(text);
    if (value) into = *value;
    return value.has_value();
}

bool read_seconds(std::string_view text, uint64_t& into_ms) {
    std::chrono::seconds time{};
    if (!read(text, time)) return false;
    into_ms = static_cast<uint64_t>(time.count()) * 1000;
    return true;
}

bool read_flag(std::string_view word, PeerServer& server) {
    if (word == "backup") return server.backup = true;
    if (word == "down") return server.rules.down = true;
    if (word == "drain") return server.rules.drain = true;
    if (word == "resolve") return server.resolve = true;
    return false;
}

// False when the word is no parameter of a server.
bool read_parameter(std::string_view word, PeerServer& server) {
    size_t equals = word.find('=');
    if (equals == word.npos) return read_flag(word, server);
    PeerRules& rules = server.rules;
    std::string_view name = word.substr(0, equals), value = word.substr(equals + 1);
    if (name == "weight") return read(value, rules.weight) && rules.weight > 0;
    if (name == "max_conns") return read(value, rules.max_conns);
    if (name == "max_fails") return read(value, rules.max_fails);
    if (name == "fail_timeout") return read_seconds(value, rules.fail_timeout_ms);
    if (name == "slow_start") return read_seconds(value, rules.slow_start_ms);
    if (name == "service") server.service = value;
    if (name == "route") server.route = value;
    return name == "service" || name == "route";
}

// Complains about a parameter, and gives false, when it is none, or not for this server.
bool take_parameter(Upstream& upstream, conf::Binding& binding, const conf::Word& word, PeerServer& server) {
    auto refuse = [&](std::string sentence) {
        binding.mistake(word, std::move(sentence));
        return false;
    };
    if (!read_parameter(word.text, server)) return refuse(text::format("invalid parameter \"{}\"", word.text));
    bool needs_turns = word.text == "backup" || word.text.starts_with("slow_start=");
    if (needs_turns && upstream.balance.given && !takes_turns(*upstream.balance)) {
        return refuse(text::format("balancing method does not support parameter \"{}\"", word.text));
    }
    if (server.route.size() > route_bytes_max) return refuse("route is longer than 32 bytes");
    if (word.text == "service=") return refuse("service name is empty");
    return true;
}

bool is_name(const HostText& host) {
    return !host.host.empty() && !Address::parse(text::format("{}:{}", host.host, host.port), 0);
}

// What a name stands for now, or that it has to be looked up.
void find_server(conf::Binding& binding, const conf::Word& word, const HostText& host, PeerServer& server) {
    if (server.resolve && is_name(host)) server.name_to_resolve = host.host;
    if (!server.service.empty()) return;  // only name servers know those
    server.addresses = find_addresses(binding, server.name, default_port);
    if (!server.addresses.empty()) return;
    server.name_to_resolve = host.host;
    binding.warn(word, text::format("host not found in upstream \"{}\"", server.name),
                 "it is looked up again while the server runs");
}

}  // namespace

void add_upstream_server(Upstream& upstream, conf::Binding& binding) {
    const conf::Word& word = binding.words()[0];
    PeerServer server;
    for (const conf::Word& parameter : binding.words().subspan(1)) {
        if (!take_parameter(upstream, binding, parameter, server)) return;
    }
    HostText host = read_host(word.text, default_port);
    std::string fault;
    if (!host.fault.empty()) {
        fault = text::format("{} in upstream \"{}\"", host.fault, word.text);
    } else if (!server.service.empty() && !server.resolve) {
        fault = text::format("service upstream \"{}\" requires \"resolve\" parameter", word.text);
    } else if (!server.service.empty() && host.has_port) {
        fault = text::format("service upstream \"{}\" may not have port", word.text);
    } else if (!server.service.empty() && !is_name(host)) {
        fault = text::format("service upstream \"{}\" requires a domain name", word.text);
    }
    if (!fault.empty()) return binding.mistake(word, std::move(fault));
    server.name = word.text;
    server.port = host.port;
    find_server(binding, word, host, server);
    upstream.servers.push_back(std::move(server));
}

}  // namespace ringx::http

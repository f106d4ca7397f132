#include "http/resolver_directive.h"

#include <algorithm>
#include <cctype>
#include <chrono>

#include "base/format.h"
#include "net/address.h"

namespace ringx::http {
namespace {

constexpr uint16_t name_server_port = 53;
constexpr int64_t valid_seconds_max = 366 * 86'400;

bool is_name(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return isalnum(c) || c == '-' || c == '.' || c == '_'; });
}

bool is_port(std::string_view text) {
    auto number = conf::parse_unsigned(text, 65535);
    return number && *number > 0;
}

// What is wrong with the address of a name server; empty when nothing is.
std::string_view fault_of(std::string_view server) {
    if (server.starts_with("unix:")) return Address::parse(server, name_server_port) ? "" : "invalid address";
    if (server.starts_with('[')) {
        if (!server.contains(']')) return "invalid host";
        return Address::parse(server, name_server_port) ? "" : "invalid IPv6 address";
    }
    size_t colon = server.find(':');
    std::string_view host = server.substr(0, colon);
    if (host.contains('/')) return "invalid host";
    if (colon != server.npos && !is_port(server.substr(colon + 1))) return "invalid port";
    if (host.empty()) return "no host";
    return is_name(host) ? "" : "host not found";
}

// The addresses of a server whose text has no fault; empty when the name is unknown.
std::vector<Address> find_server(conf::Binding& binding, std::string_view server) {
    if (auto address = Address::parse(server, name_server_port)) return {*address};
    std::string key = text::format("resolver:{}", server);
    if (auto known = binding.bundle().read(key)) {
        std::vector<Address> addresses;
        for (std::string_view rest = *known; !rest.empty();) {
            size_t end = rest.find('\n');
            if (auto address = Address::parse(rest.substr(0, end), name_server_port)) addresses.push_back(*address);
            rest.remove_prefix(std::min(end, rest.size() - 1) + 1);
        }
        return addresses;
    }
    std::vector<Address> addresses = Address::resolve(server, name_server_port);
    std::string texts;
    for (const Address& address : addresses) texts += address.text() + "\n";
    if (!addresses.empty()) binding.bundle().add(key, texts);
    return addresses;
}

enum class Checked : uint8_t { server, parameter, wrong };

Checked read_parameter(std::string_view text, ResolverRules& rules) {
    if (text.starts_with("valid=")) {
        auto valid = conf::parse<std::chrono::seconds>(text.substr(6));
        if (!valid) return Checked::wrong;
        rules.valid_seconds = static_cast<uint32_t>(std::min<int64_t>(valid->count(), valid_seconds_max));
        return Checked::parameter;
    }
    if (!text.starts_with("ipv4=") && !text.starts_with("ipv6=")) return Checked::server;
    std::string_view value = text.substr(5);
    (text.starts_with("ipv4=") ? rules.ipv4 : rules.ipv6) = value == "on";
    return value == "on" || value == "off" ? Checked::parameter : Checked::wrong;
}

}  // namespace

void set_resolver(CoreSettings& settings, conf::Binding& binding) {
    if (settings.resolver.given) return binding.duplicate();
    ResolverRules rules;
    for (const conf::Word& word : binding.words()) {
        Checked checked = read_parameter(word.text, rules);
        if (checked == Checked::wrong) {
            return binding.mistake(word, text::format("invalid parameter: {}", word.text));
        }
        if (checked == Checked::parameter) continue;
        std::string_view fault = fault_of(word.text);
        std::vector<Address> servers;
        if (fault.empty()) servers = find_server(binding, word.text);
        if (fault.empty() && servers.empty()) fault = "host not found";
        if (!fault.empty()) return binding.mistake(word, text::format("{} in resolver \"{}\"", fault, word.text));
        rules.servers.insert(rules.servers.end(), servers.begin(), servers.end());
    }
    if (!rules.ipv4 && !rules.ipv6) {
        return binding.mistake(binding.name_word(), "\"ipv4\" and \"ipv6\" cannot both be \"off\"");
    }
    if (rules.servers.empty()) return binding.mistake(binding.name_word(), "no name servers defined");
    settings.resolver.give(std::make_shared<const ResolverRules>(std::move(rules)));
}

std::shared_ptr<const ResolverRules> CoreSettings::resolver_rules() const {
    if (*resolver == nullptr) return nullptr;
    auto rules = std::make_shared<ResolverRules>(**resolver);
    rules->timeout_ms = static_cast<uint64_t>(resolver_timeout->count());
    return rules;
}

}  // namespace ringx::http

#include "http/resolver_directive.h"

#include <algorithm>
#include <chrono>

#include "base/format.h"
#include "http/known_addresses.h"
#include "http/status_zones.h"

namespace ringx::http {
namespace {

constexpr uint16_t name_server_port = 53;
constexpr int64_t valid_seconds_max = 366 * 86'400;

// What is wrong with the address of a name server; empty when nothing is.
std::string_view fault_of(std::string_view server) {
    if (server.starts_with("unix:")) return Address::parse(server, name_server_port) ? "" : "invalid address";
    return read_host(server, name_server_port).fault;
}

constexpr std::string_view zone_parameter = "status_zone=";

enum class Checked : uint8_t { server, parameter, wrong };

Checked read_parameter(std::string_view text, ResolverRules& rules) {
    if (text.starts_with("valid=")) {
        auto valid = conf::parse<std::chrono::seconds>(text.substr(6));
        if (!valid) return Checked::wrong;
        rules.valid_seconds = static_cast<uint32_t>(std::min<int64_t>(valid->count(), valid_seconds_max));
        return Checked::parameter;
    }
    if (text.starts_with(zone_parameter)) {
        rules.status_zone = text.substr(zone_parameter.size());
        return StatusZone::is_name(rules.status_zone) ? Checked::parameter : Checked::wrong;
    }
    if (!text.starts_with("ipv4=") && !text.starts_with("ipv6=")) return Checked::server;
    std::string_view value = text.substr(5);
    (text.starts_with("ipv4=") ? rules.ipv4 : rules.ipv6) = value == "on";
    return value == "on" || value == "off" ? Checked::parameter : Checked::wrong;
}

}  // namespace

void set_resolver(CoreSettings& settings, conf::Binding& binding) {
    if (settings.resolver.given) return binding.duplicate();
    if (auto rules = read_resolver(binding)) settings.resolver.give(std::move(rules));
}

std::shared_ptr<const ResolverRules> read_resolver(conf::Binding& binding) {
    auto refuse = [&](const conf::Word& word, std::string sentence) {
        binding.mistake(word, std::move(sentence));
        return nullptr;
    };
    ResolverRules rules;
    for (const conf::Word& word : binding.words()) {
        Checked checked = read_parameter(word.text, rules);
        if (checked == Checked::wrong) return refuse(word, text::format("invalid parameter: {}", word.text));
        if (checked != Checked::server) continue;
        std::string_view fault = fault_of(word.text);
        std::vector<Address> servers;
        if (fault.empty()) servers = find_addresses(binding, word.text, name_server_port);
        if (fault.empty() && servers.empty()) fault = "host not found";
        if (!fault.empty()) return refuse(word, text::format("{} in resolver \"{}\"", fault, word.text));
        rules.servers.insert(rules.servers.end(), servers.begin(), servers.end());
    }
    if (!rules.ipv4 && !rules.ipv6) {
        return refuse(binding.name_word(), "\"ipv4\" and \"ipv6\" cannot both be \"off\"");
    }
    if (rules.servers.empty()) return refuse(binding.name_word(), "no name servers defined");
    if (!rules.status_zone.empty()) status_zones.in(binding.block()).use_of_resolver(rules.status_zone);
    return std::make_shared<const ResolverRules>(std::move(rules));
}

std::shared_ptr<const ResolverRules> with_timeout(const std::shared_ptr<const ResolverRules>& rules,
                                                  std::chrono::milliseconds timeout) {
    if (rules == nullptr) return nullptr;
    auto changed = std::make_shared<ResolverRules>(*rules);
    changed->timeout_ms = static_cast<uint64_t>(timeout.count());
    return changed;
}

std::shared_ptr<const ResolverRules> CoreSettings::resolver_rules() const {
    return with_timeout(*resolver, *resolver_timeout);
}

}  // namespace ringx::http

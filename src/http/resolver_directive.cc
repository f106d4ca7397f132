#include "http/resolver_directive.h"

#include <algorithm>
#include <cctype>
#include <chrono>

#include "base/format.h"
#include "net/address.h"

namespace ringx::http {
namespace {

bool is_name(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return isalnum(c) || c == '-' || c == '.' || c == '_'; });
}

bool is_port(std::string_view text) {
    auto number = conf::parse_unsigned(text, 65535);
    return number && *number > 0;
}

// What is wrong with the address of a name server; empty when nothing is.
std::string_view fault_of(std::string_view server) {
    if (server.starts_with("unix:")) return {};
    if (server.starts_with('[')) {
        if (!server.contains(']')) return "invalid host";
        return Address::parse(server, 53) ? "" : "invalid IPv6 address";
    }
    size_t colon = server.find(':');
    std::string_view host = server.substr(0, colon);
    if (host.contains('/')) return "invalid host";
    if (colon != server.npos && !is_port(server.substr(colon + 1))) return "invalid port";
    if (host.empty()) return "no host";
    return is_name(host) ? "" : "host not found";
}

enum class Checked : uint8_t { server, parameter, wrong };

Checked check(std::string_view text, bool& ipv4, bool& ipv6) {
    if (text.starts_with("valid=")) {
        return conf::parse<std::chrono::seconds>(text.substr(6)) ? Checked::parameter : Checked::wrong;
    }
    if (!text.starts_with("ipv4=") && !text.starts_with("ipv6=")) return Checked::server;
    std::string_view value = text.substr(5);
    (text.starts_with("ipv4=") ? ipv4 : ipv6) = value == "on";
    return value == "on" || value == "off" ? Checked::parameter : Checked::wrong;
}

}  // namespace

void check_resolver(conf::Binding& binding) {
    bool ipv4 = true, ipv6 = true, has_server = false;
    for (const conf::Word& word : binding.words()) {
        Checked checked = check(word.text, ipv4, ipv6);
        if (checked == Checked::wrong) {
            return binding.mistake(word, text::format("invalid parameter: {}", word.text));
        }
        if (checked == Checked::parameter) continue;
        has_server = true;
        std::string_view fault = fault_of(word.text);
        if (!fault.empty()) return binding.mistake(word, text::format("{} in resolver \"{}\"", fault, word.text));
    }
    if (!ipv4 && !ipv6) {
        return binding.mistake(binding.name_word(), "\"ipv4\" and \"ipv6\" cannot both be \"off\"");
    }
    if (!has_server) binding.mistake(binding.name_word(), "no name servers defined");
}

}  // namespace ringx::http

#include "http/known_addresses.h"

#include <algorithm>
#include <cctype>

#include "base/format.h"
#include "conf/value.h"

namespace ringx::http {
namespace {

bool is_name(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return isalnum(c) || c == '-' || c == '.' || c == '_'; });
}

// What follows the host: nothing, or a colon and a port.
bool read_port(std::string_view text, HostText& read) {
    if (text.empty()) return true;
    auto number = text.starts_with(':') ? conf::parse_unsigned(text.substr(1), 65535) : conf::Parsed<uint64_t>(0);
    if (!number || *number == 0) return false;
    read.port = static_cast<uint16_t>(*number);
    return read.has_port = true;
}

}  // namespace

HostText read_host(std::string_view text, uint16_t default_port) {
    HostText read{.port = default_port};
    auto faulty = [&](std::string_view fault) {
        read.fault = fault;
        return read;
    };
    if (text == "unix:") return faulty("no path in the unix domain socket");
    if (text.starts_with("unix:")) {
        return Address::parse(text, 0) ? read : faulty("too long path in the unix domain socket");
    }
    if (text.starts_with('[')) {
        size_t end = text.find(']');
        if (end == text.npos) return faulty("invalid host");
        read.host = text.substr(0, end + 1);
        std::string_view rest = text.substr(end + 1);
        if (!rest.empty() && !rest.starts_with(':')) return faulty("invalid host");
        if (!read_port(rest, read)) return faulty("invalid port");
        if (read.host == "[]") return faulty("no host");
        return Address::parse(read.host, default_port) ? read : faulty("invalid IPv6 address");
    }
    if (text.find_first_of("/?") != text.npos) return faulty("invalid host");
    size_t colon = std::min(text.find(':'), text.size());
    read.host = text.substr(0, colon);
    if (!read_port(text.substr(colon), read)) return faulty("invalid port");
    if (read.host.empty()) return faulty("no host");
    return is_name(read.host) ? read : faulty("host not found");
}

std::vector<Address> find_addresses(const conf::LoadState& state, std::string_view text, uint16_t default_port) {
    HostText read = read_host(text, default_port);
    if (read.host.empty()) return {*Address::parse(text, 0)};
    // With its port, since a number alone would be taken for a port.
    std::string whole = text::format("{}:{}", read.host, read.port);
    if (auto address = Address::parse(whole, 0)) return {*address};

    std::string key = text::format("addresses:{}", whole);
    std::vector<Address> addresses;
    if (auto known = state.bundle().read(key)) {
        for (std::string_view rest = *known; !rest.empty();) {
            size_t end = rest.find('\n');
            addresses.push_back(*Address::parse(rest.substr(0, end), 0));
            rest.remove_prefix(end + 1);
        }
        return addresses;
    }
    addresses = Address::resolve(whole, 0);
    std::string texts;
    for (const Address& address : addresses) texts += address.text() + "\n";
    state.bundle().add(key, texts);
    return addresses;
}

}  // namespace ringx::http

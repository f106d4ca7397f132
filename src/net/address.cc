#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "base/check.h"
#include "base/format.h"

namespace ringx {
namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr socklen_t path_offset = offsetof(sockaddr_un, sun_path);

// Digits only, 1 to 65535.
std::optional<uint16_t> parse_port(std::string_view text) {
    uint16_t port = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

Address make_v4(in_addr host, uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr = host;
    address.sin_port = htons(port);
    return Address(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

Address make_v6(const in6_addr& host, uint16_t port) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = host;
    address.sin6_port = htons(port);
    return Address(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

std::optional<Address> parse_path(std::string_view path) {
    sockaddr_un address{};
    if (path.empty() || path.size() >= sizeof address.sun_path) return std::nullopt;
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path.data(), path.size());
    return Address(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// The host and port of "host", "host:port" or "[host]:port"; a missing port is `port`.
struct HostPort {
    std::string host;  // without brackets
    uint16_t port;
    bool brackets = false;
};

std::optional<HostPort> split(std::string_view text, uint16_t port) {
    HostPort parts{.host = {}, .port = port};
    size_t host_end = text.find(':');
    std::string_view rest = host_end == text.npos ? std::string_view() : text.substr(host_end);
    parts.host = text.substr(0, host_end);
    if (text.starts_with('[')) {
        host_end = text.find(']');
        if (host_end == text.npos) return std::nullopt;
        parts.brackets = true;
        parts.host = text.substr(1, host_end - 1);
        rest = text.substr(host_end + 1);
    }
    if (parts.host.empty()) return std::nullopt;
    if (rest.empty()) return parts;

    auto given = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
    if (!given) return std::nullopt;
    parts.port = *given;
    return parts;
}

size_t path_bytes(const sockaddr_un& path) { return strnlen(path.sun_path, sizeof path.sun_path); }

using NameOf = int (*)(int, sockaddr*, socklen_t*);

Address ask(NameOf name_of, int socket) {
    sockaddr_storage storage;
    socklen_t length = sizeof storage;
    if (name_of(socket, reinterpret_cast<sockaddr*>(&storage), &length) < 0) return Address();
    return Address(reinterpret_cast<const sockaddr*>(&storage), length);
}

}  // namespace

Address::Address(const sockaddr* from, socklen_t length) : any_{} {
    CHECK(length <= sizeof any_);
    memcpy(&any_, from, length);
}

std::optional<Address> Address::parse(std::string_view text, uint16_t port) {
    if (text.starts_with(unix_prefix)) return parse_path(text.substr(unix_prefix.size()));
    if (auto bare_port = parse_port(text)) return make_v4({INADDR_ANY}, *bare_port);

    auto parts = split(text, port);
    if (!parts) return std::nullopt;
    if (parts->brackets) {
        in6_addr host;
        if (inet_pton(AF_INET6, parts->host.c_str(), &host) != 1) return std::nullopt;
        return make_v6(host, parts->port);
    }
    in_addr host{INADDR_ANY};
    if (parts->host != "*" && inet_pton(AF_INET, parts->host.c_str(), &host) != 1) return std::nullopt;
    return make_v4(host, parts->port);
}

std::vector<Address> Address::resolve(std::string_view text, uint16_t port) {
    if (auto address = parse(text, port)) return {*address};
    auto parts = split(text, port);
    if (!parts || parts->brackets) return {};

    addrinfo wish{};
    wish.ai_socktype = SOCK_STREAM;
    wish.ai_flags = AI_ADDRCONFIG;
    addrinfo* results = nullptr;
    if (getaddrinfo(parts->host.c_str(), nullptr, &wish, &results) != 0) return {};
    std::vector<Address> addresses;
    for (const addrinfo* result = results; result != nullptr; result = result->ai_next) {
        Address address(result->ai_addr, result->ai_addrlen);
        // A port stands in the same place in both families.
        address.v4_.sin_port = htons(parts->port);
        addresses.push_back(address);
    }
    freeaddrinfo(results);
    return addresses;
}

Address Address::of_peer(int socket) { return ask(getpeername, socket); }

Address Address::of_socket(int socket) { return ask(getsockname, socket); }

socklen_t Address::length() const {
    switch (family()) {
        case AF_INET: return sizeof v4_;
        case AF_INET6: return sizeof v6_;
        case AF_UNIX: return path_offset + static_cast<socklen_t>(path_bytes(path_)) + 1;
        default: return sizeof(sa_family_t);
    }
}

bool Address::is_wildcard() const {
    if (family() == AF_INET) return v4_.sin_addr.s_addr == INADDR_ANY;
    return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6_.sin6_addr);
}

uint16_t Address::port() const {
    if (family() == AF_INET) return ntohs(v4_.sin_port);
    return family() == AF_INET6 ? ntohs(v6_.sin6_port) : 0;
}

Address Address::with_port(uint16_t port) const {
    Address changed = *this;
    if (family() == AF_INET) changed.v4_.sin_port = htons(port);
    if (family() == AF_INET6) changed.v6_.sin6_port = htons(port);
    return changed;
}

std::string Address::host_text() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    switch (family()) {
        case AF_INET: return inet_ntop(AF_INET, &v4_.sin_addr, text.data(), text.size());
        case AF_INET6: return inet_ntop(AF_INET6, &v6_.sin6_addr, text.data(), text.size());
        case AF_UNIX: return std::string(unix_prefix);
        default: return {};
    }
}

std::string Address::text() const {
    switch (family()) {
        case AF_INET: return text::format("{}:{}", host_text(), port());
        case AF_INET6: return text::format("[{}]:{}", host_text(), port());
        case AF_UNIX: return text::format("{}{}", unix_prefix, std::string_view(path_.sun_path, path_bytes(path_)));
        default: return {};
    }
}

char* write_ipv4(const uint8_t* bytes, char* out) {
    for (int i = 0; i < 4; ++i) {
        if (i > 0) *out++ = '.';
        out = std::to_chars(out, out + 3, bytes[i]).ptr;
    }
    return out;
}

}  // namespace ringx

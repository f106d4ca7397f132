#include "net/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <string>

namespace ringx {
namespace {

// The bytes of a host in network order; none of a path.
std::span<const uint8_t> host_bytes(const Address& address) {
    const void* from = address.get();
    if (address.family() == AF_INET) {
        return {reinterpret_cast<const uint8_t*>(&static_cast<const sockaddr_in*>(from)->sin_addr), 4};
    }
    if (address.family() == AF_INET6) {
        return {reinterpret_cast<const uint8_t*>(&static_cast<const sockaddr_in6*>(from)->sin6_addr), 16};
    }
    return {};
}

// Clears what follows the prefix; true when something was there.
bool clear_host_bits(Cidr& cidr) {
    bool any = false;
    for (size_t i = 0; i < cidr.network.size(); ++i) {
        int bits_here = std::clamp(cidr.bits - static_cast<int>(i) * 8, 0, 8);
        auto mask = static_cast<uint8_t>(0xff << (8 - bits_here));
        any = any || (cidr.network[i] & ~mask) != 0;
        cidr.network[i] &= mask;
    }
    return any;
}

}  // namespace

std::optional<Cidr> Cidr::parse(std::string_view text, bool& had_host_bits) {
    had_host_bits = false;
    Cidr cidr;
    if (text == "unix:") {
        cidr.family = AF_UNIX;
        return cidr;
    }
    size_t slash = text.find('/');
    std::string host(text.substr(0, slash));
    if (inet_pton(AF_INET, host.c_str(), cidr.network.data()) == 1) {
        cidr.family = AF_INET;
    } else if (inet_pton(AF_INET6, host.c_str(), cidr.network.data()) == 1) {
        cidr.family = AF_INET6;
    } else {
        return std::nullopt;
    }
    cidr.bits = cidr.family == AF_INET ? 32 : 128;
    if (slash == text.npos) return cidr;

    std::string_view length = text.substr(slash + 1);
    unsigned bits = 0;
    auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
    if (error != std::errc() || end != length.data() + length.size() || bits > cidr.bits) return std::nullopt;
    cidr.bits = static_cast<uint8_t>(bits);
    had_host_bits = clear_host_bits(cidr);
    return cidr;
}

Cidr Cidr::of(const Address& address) {
    Cidr cidr;
    cidr.family = address.family();
    std::span<const uint8_t> bytes = host_bytes(address);
    cidr.bits = static_cast<uint8_t>(bytes.size() * 8);
    std::ranges::copy(bytes, cidr.network.begin());
    return cidr;
}

bool Cidr::contains(const Address& address) const {
    if (address.family() != family) return false;
    std::span<const uint8_t> bytes = host_bytes(address);
    size_t whole = bits / 8;
    if (!std::equal(network.begin(), network.begin() + whole, bytes.begin())) return false;
    unsigned rest = bits % 8;
    return rest == 0 || ((bytes[whole] ^ network[whole]) >> (8 - rest)) == 0;
}

Address unmapped(const Address& address) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.get());
    if (address.family() != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) return address;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = v6->sin6_port;
    memcpy(&v4.sin_addr, v6->sin6_addr.s6_addr + 12, sizeof v4.sin_addr);
    return Address(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
}

}  // namespace ringx

// net/cidr.h - a block of addresses: 10.0.0.0/8, 2001:db8::/32, or every path.
//
// What access rules, trusted proxies and the like compare a peer with. An IPv4 address that came in an IPv6 packet
// (::ffff:10.0.0.1) is no IPv4 address here: who wants it to be one asks unmapped() first.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/address.h"

namespace ringx {

struct Cidr {
    sa_family_t family = AF_UNSPEC;  // AF_INET, AF_INET6, or AF_UNIX for every path
    uint8_t bits = 0;
    std::array<uint8_t, 16> network{};  // in network order, host bits zero; of IPv4 the first four bytes

    // "10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32" or "unix:". `had_host_bits` tells whether bits behind the prefix
    // were given and are ignored.
    static std::optional<Cidr> parse(std::string_view text, bool& had_host_bits);
    // The block of this address alone.
    static Cidr of(const Address& address);

    bool contains(const Address& address) const;
};

// The IPv4 address in an IPv4-mapped one; any other address as it is.
Address unmapped(const Address& address);

}  // namespace ringx

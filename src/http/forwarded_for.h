// http/forwarded_for.h - who a request is from, when proxies we trust say it in a field such as X-Forwarded-For.
//
// The field lists addresses, the nearest last. The peer must be trusted for its last address to count; recursively, an
// address that is trusted itself gives way to the one before it. Text that is no address ends the search.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "net/address.h"
#include "net/cidr.h"

namespace ringx::http {

// `values` are those of the fields in the order they came. Nothing when the peer is not trusted or its word is no
// address: then it speaks for itself.
std::optional<Address> forwarded_for(const Address& peer, std::span<const std::string_view> values,
                                     std::span<const Cidr> trusted, bool recursive);

// "10.0.0.1", "10.0.0.1:80", "::1", "[::1]:80".
std::optional<Address> parse_client_address(std::string_view text);

}  // namespace ringx::http

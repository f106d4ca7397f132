// http/known_addresses.h - hosts that a configuration names, and the addresses they have.
//
// Names are looked up by the master, once for each configuration. What was found, or that nothing was, is kept in the
// bundle, so that a configuration means the same in all processes, and workers ask nobody.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "conf/binding.h"
#include "net/address.h"

namespace ringx::http {

// "HOST[:PORT]", "[IPv6][:PORT]" or "unix:PATH", taken apart.
struct HostText {
    std::string_view fault = {};  // nginx's words for what is wrong with it; empty: nothing
    std::string_view host = {};   // without port, an IPv6 address in its brackets; empty for a path
    uint16_t port = 0;            // the one it has, or the default
    bool has_port = false;
};
HostText read_host(std::string_view text, uint16_t default_port);

// The addresses of a text without fault; none when its name is unknown now.
std::vector<Address> find_addresses(const conf::LoadState& state, std::string_view text, uint16_t default_port);

}  // namespace ringx::http

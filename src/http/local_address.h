// http/local_address.h - `proxy_bind` and its likes: the address of ours that connections to servers are made from.
//
// It may be told by variables, for each request. A text that gives no address then leaves the choice to the kernel, as
// in nginx: a request is not lost for it.
#pragma once

#include <optional>
#include <string_view>

#include "conf/language.h"
#include "http/variables.h"
#include "net/address.h"
#include "net/upstream_connection.h"

namespace ringx::http {

// "127.0.0.1", "127.0.0.1:80", "::1" or "[::1]:80"; without a port it is 0.
std::optional<Address> parse_local_address(std::string_view text);

class LocalAddress {
 public:
    // Reads ADDRESS [transparent] | off.
    static void read(Setting<LocalAddress>& setting, conf::Binding& binding);

    // What the rules say of it for this request. What is no address is logged.
    void apply(Request& request, SocketRules& rules) const;

 private:
    std::optional<Address> constant_;
    Template text_;  // empty: there is a constant, or nothing
    bool transparent_ = false;
};

}  // namespace ringx::http

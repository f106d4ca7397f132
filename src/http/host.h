// http/host.h - what a Host field or the authority of a request target names.
//
// `uri-host [ ":" port ]` by RFC 3986 section 3.2: a registered name, an IPv4 address or an address in brackets, and no
// user information. A server is chosen by the name in lower case without one trailing dot, so parsing says whether
// that differs from the bytes received and lower_host() does the work only then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringx::http {

struct Host {
    std::string_view name;  // as received, without port and without one trailing dot; brackets are kept
    std::string_view port;  // the digits after the colon; may be empty
    bool is_lower = true;   // the name has no upper-case letter
};

// Nothing if the text is empty or malformed, has an empty label ("a..b"), or a port above 65535.
std::optional<Host> parse_host(std::string_view text);

// The name to look a server up by; kept in `storage` if it differs from what was received.
std::string_view lower_host(const Host& host, std::string& storage);

}  // namespace ringx::http

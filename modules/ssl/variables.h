// modules/ssl/variables.h - what $ssl_… say: the handshake's outcome, what the client offered, and its certificate.
//
// None of them has a value on a connection without TLS.
#pragma once

#include <array>

#include "http/variables.h"

namespace ringx::http::ssl {

extern const std::array<Variable, 28> variables;

// Those about what clients could have done, which is not kept where nobody asks.
inline constexpr std::string_view offer_variables[] = {"ssl_ciphers", "ssl_curves", "ssl_sigalgs"};

}  // namespace ringx::http::ssl

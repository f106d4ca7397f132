// modules/ssl/variables.h - what $ssl_… say: the handshake's outcome, what the client offered, and its certificate.
//
// None of them has a value on a connection without TLS.
#pragma once

#include <array>

#include "http/variables.h"

namespace ringx::http::ssl {

extern const std::array<Variable, 26> variables;

}  // namespace ringx::http::ssl

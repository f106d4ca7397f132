// net/client_hello.h - what a TLS client says first, as far as a server is chosen by it.
//
// Only bytes: RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3. The whole of the message is judged by OpenSSL later;
// here only the way to the name is walked, and what does not look as it should has none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringx {

// No message longer than this is waited for. OpenSSL's own limit is 131,396 bytes; real ones have less than 4,000.
constexpr size_t client_hello_bytes_max = 16384;

struct ClientHello {
    enum class Kind : uint8_t {
        need_more,  // it is not all here
        plain,      // this is no TLS
        complete,   // or beyond understanding: then without a name
    };
    Kind kind = Kind::need_more;
    std::string server_name;  // as it was sent; empty when there is none
};

// Reads what has come of a connection.
ClientHello read_client_hello(std::string_view bytes);

}  // namespace ringx

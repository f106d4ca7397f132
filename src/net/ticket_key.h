// net/ticket_key.h - a key that TLS tickets are encrypted and signed with.
//
// Files have it in one of nginx's two formats, so that several servers can have the same.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ringx {

struct TicketKey {
    static constexpr size_t name_bytes = 16;

    // Of a file: 80 bytes hold a name, a key for HMAC-SHA256 and one for AES-256; 48 bytes a name, one for AES-128 and
    // one for HMAC-SHA256. Nothing for any other number.
    static std::optional<TicketKey> read(std::string_view file);

    std::array<unsigned char, name_bytes> name;  // opens each ticket
    std::array<unsigned char, 32> aes;
    std::array<unsigned char, 32> hmac;
    uint64_t secret_bytes;  // used of both: 32 or 16
};

}  // namespace ringx

#include "net/ticket_key.h"

#include <span>

namespace ringx {

std::optional<TicketKey> TicketKey::read(std::string_view file) {
    if (file.size() != 48 && file.size() != 80) return std::nullopt;
    TicketKey key{};
    key.secret_bytes = file.size() == 80 ? 32 : 16;
    auto take = [&file](std::span<unsigned char> to) {
        file.copy(reinterpret_cast<char*>(to.data()), to.size());
        file.remove_prefix(to.size());
    };
    auto aes = std::span(key.aes).first(key.secret_bytes);
    auto hmac = std::span(key.hmac).first(key.secret_bytes);
    bool hmac_is_first = key.secret_bytes == 32;
    take(key.name);
    take(hmac_is_first ? hmac : aes);
    take(hmac_is_first ? aes : hmac);
    return key;
}

}  // namespace ringx

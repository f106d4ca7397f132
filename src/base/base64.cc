#include "base/base64.h"

#include <cstdint>

namespace ringx {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::optional<std::string_view> decode_base64(std::string_view text, char* out) {
    text = text.substr(0, text.find('='));
    if (text.size() % 4 == 1) return std::nullopt;
    char* end = out;
    uint32_t bits = 0;
    unsigned waiting = 0;  // how many of `bits` belong to no byte yet
    for (char c : text) {
        size_t value = alphabet.find(c);
        if (value == alphabet.npos) return std::nullopt;
        bits = bits << 6 | static_cast<uint32_t>(value);
        waiting += 6;
        if (waiting < 8) continue;
        waiting -= 8;
        *end++ = static_cast<char>(bits >> waiting);
    }
    return std::string_view(out, static_cast<size_t>(end - out));
}

}  // namespace ringx

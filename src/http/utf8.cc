#include "http/utf8.h"

#include <cstddef>

namespace ringx::http {
namespace {

// Bytes of the character at the beginning (RFC 3629, section 4); 0 if there is none.
size_t character_bytes(std::string_view text) {
    auto is_between = [text](size_t at, unsigned low, unsigned high) {
        if (at >= text.size()) return false;
        auto byte = static_cast<unsigned char>(text[at]);
        return byte >= low && byte <= high;
    };
    auto continues = [&](size_t at) { return is_between(at, 0x80, 0xBF); };
    auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) return 1;
    if (is_between(0, 0xC2, 0xDF)) return continues(1) ? 2 : 0;
    // Neither longer forms of shorter characters nor surrogates.
    if (is_between(0, 0xE0, 0xEF)) {
        bool good = is_between(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
        return good && continues(2) ? 3 : 0;
    }
    if (!is_between(0, 0xF0, 0xF4)) return 0;
    bool good = is_between(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
    return good && continues(2) && continues(3) ? 4 : 0;
}

}  // namespace

std::string_view leading_characters(std::string_view text) {
    size_t at = 0;
    while (at < text.size()) {
        size_t bytes = character_bytes(text.substr(at));
        if (bytes == 0) break;
        at += bytes;
    }
    return text.substr(0, at);
}

}  // namespace ringx::http

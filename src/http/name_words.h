// http/name_words.h - names of fields compared in any case, some bytes at a time.
//
// Setting the case bit is exact where there is no CR, as in tokens (RFC 9110 section 5.6.2): it is the only other byte
// that becomes one of a name's bytes, '-'.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ringx::http {

template <typename Word>
bool same_word(const char* name, const char* lower) {
    constexpr Word case_bits = static_cast<Word>(0x2020202020202020);
    Word ours, theirs;
    std::memcpy(&ours, name, sizeof ours);
    std::memcpy(&theirs, lower, sizeof theirs);
    return (ours | case_bits) == theirs;
}

// Whether `name`, without a CR, is in any case the text `lower`, which has the same length, at least 2, and is in lower
// case. Words may overlap.
inline bool is_token(const char* name, const char* lower, size_t size) {
    if (size >= 8) {
        for (size_t i = 0; i + 8 < size; i += 8) {
            if (!same_word<uint64_t>(name + i, lower + i)) return false;
        }
        return same_word<uint64_t>(name + size - 8, lower + size - 8);
    }
    if (size >= 4) return same_word<uint32_t>(name, lower) && same_word<uint32_t>(name + size - 4, lower + size - 4);
    return same_word<uint16_t>(name, lower) && same_word<uint16_t>(name + size - 2, lower + size - 2);
}

}  // namespace ringx::http

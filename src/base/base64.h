// base/base64.h - base64 (RFC 4648 section 4), as credentials are written.
//
// Decoding is nginx's: padding may be missing, what follows it is not looked at, any other byte is refused.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace ringx {

// No decoded text is longer than this.
constexpr size_t base64_decoded_max(size_t bytes) { return bytes / 4 * 3 + 3; }

// Writes to `out`, which has room for base64_decoded_max(text.size()), and gives the bytes written.
std::optional<std::string_view> decode_base64(std::string_view text, char* out);

}  // namespace ringx

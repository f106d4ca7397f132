// http/utf8.h - which bytes are text: UTF-8 (RFC 3629, section 4).
//
// Neither longer forms of shorter characters nor surrogates are.
#pragma once

#include <string_view>

namespace ringx::http {

// Up to the first byte that belongs to no character.
std::string_view leading_characters(std::string_view text);

}  // namespace ringx::http

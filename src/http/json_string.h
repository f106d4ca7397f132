// http/json_string.h - strings of JSON, valid whatever bytes they are made of.
//
// What clients send is bytes, and JSON is UTF-8: characters stay as they are, and a byte that belongs to none is
// written as \xHH.
#pragma once

#include <string>
#include <string_view>

namespace ringx::http {

// Appends the string with its quotes.
void append_json_string(std::string_view text, std::string& out);

}  // namespace ringx::http

// modules/log/json_value.h - the texts of variables as values of JSON, for the format `json`.
//
// Numbers are the texts of variables, which may hold `-` or nothing: what is no number of JSON becomes null. Strings
// are http/json_string.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ringx::http {

// Appends the number, or null.
void append_json_number(std::string_view text, std::string& out);

// Variables of upstreams have a value for each try: "502, 200", and " : " between groups of servers.
std::string_view last_of_tries(std::string_view values);
size_t count_tries(std::string_view values);

}  // namespace ringx::http

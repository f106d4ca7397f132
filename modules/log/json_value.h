// modules/log/json_value.h - whole values of JSON for the format `json`, valid whatever a request has brought.
//
// What clients send is bytes, and JSON is UTF-8: characters stay as they are, and a byte that belongs to none is
// written as \xHH. Numbers are the texts of variables, which may hold `-` or nothing: what is no number of JSON becomes
// null. All functions append.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ringx::http {

// A string with its quotes.
void append_json_string(std::string_view text, std::string& out);

// The number, or null.
void append_json_number(std::string_view text, std::string& out);

// Variables of upstreams have a value for each try: "502, 200", and " : " between groups of servers.
std::string_view last_of_tries(std::string_view values);
size_t count_tries(std::string_view values);

}  // namespace ringx::http

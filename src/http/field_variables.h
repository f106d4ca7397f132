// http/field_variables.h - families of variables: fields of the request and the response, arguments, cookies.
//
// A variable's name has `_` where a field's has `-`, and case does not matter. Several fields of one name are one
// value, joined as RFC 9110 section 5.3 says (cookies by `; `, RFC 6265 section 5.4).
#pragma once

#include "http/variables.h"

namespace ringx::http {

VariableValue request_field(Request& request, const VariableUse& use);     // $http_NAME
VariableValue response_field(Request& request, const VariableUse& use);    // $sent_http_NAME
VariableValue response_trailer(Request& request, const VariableUse& use);  // $sent_trailer_NAME
VariableValue argument(Request& request, const VariableUse& use);          // $arg_NAME: the first one, not decoded
VariableValue cookie(Request& request, const VariableUse& use);            // $cookie_NAME

// Whether a field's name is the one a variable means, in lower case.
bool is_named(std::string_view field, std::string_view variable);
// The value of an argument of a query, case of its name aside.
std::optional<std::string_view> find_argument(std::string_view query, std::string_view name);
// The value of a cookie in one Cookie field, case of its name aside.
std::optional<std::string_view> find_cookie(std::string_view field, std::string_view name);

}  // namespace ringx::http

// http/core_variables.h - the variables every configuration has, as a module without directives.
//
// Each is a function of the request that computes its value when asked: nothing is kept, save what must stay the same
// during the request ($request_id). Variables of features that do not exist yet (PROXY protocol) have no value.
#pragma once

#include "http/module.h"

namespace ringx::http {

extern constinit const Module core_variables_module;

// $request_id, which stays the same from now on.
std::string_view request_id(Request& request);

}  // namespace ringx::http

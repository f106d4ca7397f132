// modules/api/call.h - one call of the API, as those see it who answer it.
//
// Whoever answers is called when all that is the same for every endpoint was settled: path and method are known, the
// client may write if this writes, and the body is here if it takes one.
#pragma once

#include <array>
#include <string_view>

#include "http/module.h"
#include "modules/api/json_object.h"

namespace ringx::http::api {

struct Call {
    Request& request;
    // What stands in the places of {names} of the endpoint's path, in order.
    std::array<std::string_view, 2> parameters;
    // What was sent; empty when the endpoint takes nothing.
    JsonObject body = {};
    // Whether orders are taken here.
    bool may_write = false;
};

}  // namespace ringx::http::api

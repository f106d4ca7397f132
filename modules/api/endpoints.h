// modules/api/endpoints.h - what the API can be asked: one row for each method of each path.
//
// A path is relative to the location of `api`. {name} stands for one segment, and {name...}, which ends a path, for all
// that is left of it, slashes included: what a segment holds was decoded before, and addresses such as unix:/path have
// slashes of their own. Who answers is declared in modules/api/resources.h.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/head.h"
#include "http/module.h"

namespace ringx::http::api {

struct Call;

struct Endpoint {
    enum class Rights : uint8_t { read, write };
    enum class Takes : uint8_t { nothing, object };

    Method method;
    std::string_view path;
    // Waits for nothing, or gives a task; the call outlives it.
    Answer (*answer)(Call& call);
    Rights rights = Rights::read;
    Takes takes = Takes::nothing;
};

std::span<const Endpoint> endpoints();

// What a path holds where the pattern has names; nothing if it is no such path.
using Parameters = std::array<std::string_view, 2>;
std::optional<Parameters> match_path(std::string_view pattern, std::string_view path);

struct Found {
    const Endpoint* endpoint = nullptr;  // null: none of this method
    Parameters parameters = {};
    bool has_path = false;  // there is one of another method
};
// HEAD asks what GET does. One slash at the end of the path is passed over.
Found find_endpoint(std::span<const Endpoint> endpoints, Method method, std::string_view path);

// "GET, HEAD, POST": what the path may be asked with.
std::string allowed_methods(std::span<const Endpoint> endpoints, std::string_view path);

// "GET"; REQUIRES: an endpoint has this method.
std::string_view method_name(Method method);

}  // namespace ringx::http::api

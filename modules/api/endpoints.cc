#include "modules/api/endpoints.h"

#include "modules/api/resources.h"

namespace ringx::http::api {
namespace {

constexpr Endpoint table[] = {
    {Method::get, "health", get_health},
    {Method::get, "stats", get_stats},
    {Method::get, "errors", get_errors},
    {Method::get, "metrics", get_metrics},
    {Method::get, "upstreams", get_upstreams},
    {Method::get, "upstreams/{name}", get_upstream},
    {Method::post, "upstreams/{name}/servers", add_peer, Endpoint::Rights::write, Endpoint::Takes::object},
    {Method::get, "upstreams/{name}/servers/{server...}", get_peer},
    {Method::patch, "upstreams/{name}/servers/{server...}", change_peer, Endpoint::Rights::write,
     Endpoint::Takes::object},
    {Method::delete_, "upstreams/{name}/servers/{server...}", remove_peer, Endpoint::Rights::write},
    {Method::post, "config/check", post_check, Endpoint::Rights::write},
    {Method::post, "reload", post_reload, Endpoint::Rights::write},
    {Method::get, "log", get_log},
    {Method::put, "log", put_log, Endpoint::Rights::write, Endpoint::Takes::object},
    {Method::delete_, "log", delete_log, Endpoint::Rights::write},
    {Method::get, "openapi.json", get_description},
    {Method::get, "zones", get_zones},
    {Method::get, "zones/{zone...}", get_zone},
    {Method::delete_, "zones/{zone...}", reset_zone, Endpoint::Rights::write},
};

std::string_view without_last_slash(std::string_view path) {
    if (path.ends_with('/')) path.remove_suffix(1);
    return path;
}

// The part before the first slash is taken off.
std::string_view take_segment(std::string_view& path) {
    size_t slash = path.find('/');
    std::string_view segment = path.substr(0, slash);
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
    return segment;
}

}  // namespace

std::span<const Endpoint> endpoints() { return table; }

std::optional<Parameters> match_path(std::string_view pattern, std::string_view path) {
    if (path.ends_with('/')) return std::nullopt;
    Parameters parameters;
    size_t known = 0;
    while (!pattern.empty() && !path.empty()) {
        std::string_view wanted = take_segment(pattern);
        bool is_name = wanted.starts_with('{');
        std::string_view rest = path;
        std::string_view segment = take_segment(path);
        if (is_name && wanted.ends_with("...}")) {
            segment = rest;
            path = {};
        }
        if (is_name ? segment.empty() : segment != wanted) return std::nullopt;
        if (is_name) parameters[known++] = segment;
    }
    if (!pattern.empty() || !path.empty()) return std::nullopt;
    return parameters;
}

Found find_endpoint(std::span<const Endpoint> endpoints, Method method, std::string_view path) {
    path = without_last_slash(path);
    if (method == Method::head) method = Method::get;
    Found found;
    for (const Endpoint& endpoint : endpoints) {
        auto parameters = match_path(endpoint.path, path);
        if (!parameters) continue;
        found.has_path = true;
        if (endpoint.method != method) continue;
        found.endpoint = &endpoint;
        found.parameters = *parameters;
        break;
    }
    return found;
}

std::string allowed_methods(std::span<const Endpoint> endpoints, std::string_view path) {
    path = without_last_slash(path);
    std::string methods;
    for (const Endpoint& endpoint : endpoints) {
        if (!match_path(endpoint.path, path)) continue;
        if (!methods.empty()) methods += ", ";
        methods += method_name(endpoint.method);
        if (endpoint.method == Method::get) methods += ", HEAD";
    }
    return methods;
}

std::string_view method_name(Method method) {
    switch (method) {
        case Method::get: return "GET";
        case Method::post: return "POST";
        case Method::put: return "PUT";
        case Method::patch: return "PATCH";
        default: return "DELETE";
    }
}

}  // namespace ringx::http::api

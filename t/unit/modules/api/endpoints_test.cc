// t/unit/modules/api/endpoints_test.cc - which path and method lead to which endpoint.
//
// With a table of the tests' own; what holds for every row of the real one is looked at last.
#include "modules/api/endpoints.h"

#include <gtest/gtest.h>

#include <set>

namespace ringx::http::api {
namespace {

constexpr Endpoint table[] = {
    {Method::get, "health", nullptr},
    {Method::get, "upstreams", nullptr},
    {Method::get, "upstreams/{upstream}", nullptr},
    {Method::post, "upstreams/{upstream}/servers", nullptr, Endpoint::Rights::write},
    {Method::patch, "upstreams/{upstream}/servers/{server...}", nullptr, Endpoint::Rights::write},
    {Method::delete_, "upstreams/{upstream}/servers/{server...}", nullptr, Endpoint::Rights::write},
};

// The path that answers, with what its names stand for.
std::string found(Method method, std::string_view path) {
    Found found = find_endpoint(table, method, path);
    if (found.endpoint == nullptr) return found.has_path ? "other method" : "nothing";
    std::string text(found.endpoint->path);
    for (std::string_view parameter : found.parameters) text.append(" ").append(parameter);
    return text;
}

TEST(Endpoints, ArePathsAndMethods) {
    struct {
        Method method;
        std::string_view path, want;
    } cases[] = {
        {Method::get, "health", "health  "},
        {Method::get, "health/", "health  "},
        {Method::head, "health", "health  "},
        {Method::post, "health", "other method"},
        {Method::other, "health", "other method"},
        {Method::get, "", "nothing"},
        {Method::get, "/", "nothing"},
        {Method::get, "/health", "nothing"},
        {Method::get, "health//", "nothing"},
        {Method::get, "healthy", "nothing"},
        {Method::get, "Health", "nothing"},
        {Method::get, "health/more", "nothing"},
        {Method::get, "upstreams/app", "upstreams/{upstream} app "},
        {Method::get, "upstreams/app/", "upstreams/{upstream} app "},
        {Method::get, "upstreams//servers", "nothing"},
        {Method::get, "upstreams/app/servers", "other method"},
        {Method::post, "upstreams/app/servers", "upstreams/{upstream}/servers app "},
        {Method::post, "upstreams/app/servers/a", "other method"},
        {Method::patch, "upstreams/app/servers/[::1]:80", "upstreams/{upstream}/servers/{server...} app [::1]:80"},
        {Method::delete_, "upstreams/a/servers/unix:/run/x", "upstreams/{upstream}/servers/{server...} a unix:/run/x"},
        {Method::delete_, "upstreams/a/servers/", "other method"},
    };
    for (auto& c : cases) EXPECT_EQ(found(c.method, c.path), c.want) << c.path;
}

TEST(Endpoints, TellTheMethodsOfAPath) {
    EXPECT_EQ(allowed_methods(table, "health/"), "GET, HEAD");
    EXPECT_EQ(allowed_methods(table, "upstreams/a/servers"), "POST");
    EXPECT_EQ(allowed_methods(table, "upstreams/a/servers/b"), "PATCH, DELETE");
    EXPECT_EQ(allowed_methods(table, "nowhere"), "");
}

// A row that lies behind another one could never answer; who reads changes nothing.
TEST(Endpoints, EachRowCanBeReached) {
    std::set<std::pair<Method, std::string_view>> rows;
    for (const Endpoint& endpoint : endpoints()) {
        EXPECT_TRUE(rows.emplace(endpoint.method, endpoint.path).second) << endpoint.path;
        EXPECT_NE(endpoint.answer, nullptr) << endpoint.path;
        EXPECT_EQ(find_endpoint(endpoints(), endpoint.method, endpoint.path).endpoint, &endpoint) << endpoint.path;
        bool writes = endpoint.rights == Endpoint::Rights::write;
        EXPECT_FALSE(writes && endpoint.method == Method::get) << endpoint.path;
        EXPECT_TRUE(writes || endpoint.takes == Endpoint::Takes::nothing) << endpoint.path;
    }
}

}  // namespace
}  // namespace ringx::http::api

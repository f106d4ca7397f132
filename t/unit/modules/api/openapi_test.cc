// t/unit/modules/api/openapi_test.cc - the document says what the table of endpoints says, and nothing else.
//
// That what is answered has the shapes it promises is seen by t/http/test_api_document.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "base/embedded.h"
#include "modules/api/endpoints.h"

EMBEDDED(api_openapi_json);

namespace ringx::http::api {
namespace {

using Json = nlohmann::json;

const Json& document() {
    static const Json parsed = Json::parse(embedded::api_openapi_json(), nullptr, false);
    return parsed;
}

// "/zones/{zone}" of "zones/{zone...}".
std::string path_of(const Endpoint& endpoint) {
    std::string path = "/" + std::string(endpoint.path);
    if (path.ends_with("...}")) path.erase(path.size() - 4, 3);
    return path;
}

std::string method_of(const Endpoint& endpoint) {
    std::string method(method_name(endpoint.method));
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    return method;
}

// What of the path stands between braces.
std::set<std::string> names_in(const std::string& path) {
    std::set<std::string> names;
    for (size_t at = path.find('{'); at != path.npos; at = path.find('{', at + 1)) {
        names.insert(path.substr(at + 1, path.find('}', at) - at - 1));
    }
    return names;
}

const Json& resolved(const Json& item) {
    if (!item.contains("$ref")) return item;
    return document()[Json::json_pointer(item["$ref"].get<std::string>().substr(1))];
}

TEST(OpenApi, IsJson) { ASSERT_TRUE(document().is_object()); }

TEST(OpenApi, HasEveryEndpointAndNoOther) {
    std::set<std::string> ours, documented;
    for (const Endpoint& endpoint : endpoints()) ours.insert(method_of(endpoint) + " " + path_of(endpoint));
    for (auto& [path, item] : document()["paths"].items()) {
        for (auto& [method, operation] : item.items()) {
            if (method != "parameters") documented.insert(method + " " + path);
        }
    }
    EXPECT_EQ(documented, ours);
}

TEST(OpenApi, DescribesEachNameInAPath) {
    for (auto& [path, item] : document()["paths"].items()) {
        std::set<std::string> described;
        for (const Json& parameter : item.value("parameters", Json::array())) {
            const Json& it = resolved(parameter);
            if (it["in"] == "path") described.insert(it["name"].get<std::string>());
        }
        EXPECT_EQ(described, names_in(path)) << path;
    }
}

// What is refused before anybody is asked.
TEST(OpenApi, TellsWhatOrdersMayBeRefusedFor) {
    for (const Endpoint& endpoint : endpoints()) {
        const Json& operation = document()["paths"][path_of(endpoint)][method_of(endpoint)];
        const Json& responses = operation["responses"];
        bool writes = endpoint.rights == Endpoint::Rights::write;
        bool takes = endpoint.takes == Endpoint::Takes::object;
        for (const char* status : {"403", "413", "415"}) {
            EXPECT_EQ(responses.contains(status), writes) << path_of(endpoint) << " " << status;
        }
        EXPECT_EQ(operation.contains("requestBody"), takes) << path_of(endpoint);
        if (takes) {
            EXPECT_TRUE(responses.contains("400")) << path_of(endpoint);
        }
    }
}

TEST(OpenApi, RefersToWhatIsThere) {
    std::string text(embedded::api_openapi_json());
    std::set<std::string> references;
    constexpr std::string_view mark = "\"$ref\": \"#";
    for (size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + 1)) {
        size_t begin = at + mark.size();
        references.insert(text.substr(begin, text.find('"', begin) - begin));
    }
    EXPECT_GT(references.size(), 5u);
    for (auto& reference : references) EXPECT_TRUE(document().contains(Json::json_pointer(reference))) << reference;
}

}  // namespace
}  // namespace ringx::http::api

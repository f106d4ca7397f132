// t/unit/http/field_variables_test.cc - fields, arguments and cookies by the name of a variable.
//
// Names and values are those nginx would give for the same bytes.
#include "http/field_variables.h"

#include <gtest/gtest.h>

#include "http/request.h"
#include "t/unit/http/sample_site.h"

namespace ringx::http {
namespace {

constexpr std::string_view server = "server { listen 1; keepalive_timeout 75 20; }";

VariableUse named(std::string_view suffix) {
    VariableUse use;
    use.suffix = suffix;
    return use;
}

TEST(FieldVariables, request_fields_are_found_by_folded_names_and_joined) {
    SampleSite site(server);
    Request& request = site.request(
        "GET / HTTP/1.1\nHost: a\nX-Forwarded-For: 1\nUser-Agent: u\nx-forwarded-for: 2\nCookie: a=1\nCookie: b=2\n"
        "X-Empty:\n\n");
    struct {
        std::string_view name;
        VariableValue want;
    } cases[] = {
        {"host", "a"},       {"x_forwarded_for", "1, 2"}, {"user_agent", "u"}, {"cookie", "a=1; b=2"},
        {"x_empty", ""},     {"x_forwarded", {}},         {"referer", {}},
    };
    for (auto& c : cases) EXPECT_EQ(request_field(request, named(c.name)), c.want) << c.name;
}

TEST(FieldVariables, arguments_are_the_first_of_their_name) {
    struct {
        std::string_view query, name;
        VariableValue want;
    } cases[] = {
        {"a=1&b=2", "a", "1"}, {"a=1&b=2", "b", "2"},   {"A=1", "a", "1"},     {"a=1&a=2", "a", "1"},
        {"ba=1&a=2", "a", "2"}, {"ab=1", "a", {}},      {"a", "a", {}},        {"a&a=3", "a", "3"},
        {"a=", "a", ""},       {"", "a", {}},           {"a=%41", "a", "%41"}, {"a=1=2&c", "a", "1=2"},
        {"&&a=1", "a", "1"},   {"b=1&a", "a", {}},   {"=1", "", {}},
    };
    for (auto& c : cases) EXPECT_EQ(find_argument(c.query, c.name), c.want) << c.query << " " << c.name;
}

TEST(FieldVariables, cookies_are_read_as_nginx_reads_them) {
    struct {
        std::string_view field, name;
        VariableValue want;
    } cases[] = {
        {"a=1; b=2", "a", "1"},  {"a=1; b=2", "b", "2"},   {"a=1;b=2", "b", "2"},    {"A=1", "a", "1"},
        {"ab=1; b=2", "b", "2"}, {"ab=1", "a", {}},        {"a = 1 ;b=2", "a", "1 "}, {"a=", "a", ""},
        {"a", "a", {}},          {"x=1, a=2", "a", "2"},   {"", "a", {}},            {"b=a=1", "a", {}},
        {"a=1=2", "a", "1=2"},
    };
    for (auto& c : cases) EXPECT_EQ(find_cookie(c.field, c.name), c.want) << c.field << " " << c.name;

    SampleSite site(server);
    Request& request = site.request("GET / HTTP/1.1\nHost: a\nCookie: a=1\nCookie: b=2\n\n");
    EXPECT_EQ(cookie(request, named("b")), "2");
    EXPECT_EQ(cookie(request, named("c")), std::nullopt);
}

TEST(FieldVariables, response_fields_are_those_that_were_sent) {
    SampleSite site(server);
    Request& request = site.request();
    EXPECT_EQ(response_field(request, named("connection")), std::nullopt);  // nothing was sent yet
    request.sent_status = request.response.status = 200;
    request.response.content_type = "text/html";
    request.response.content_length = 12;
    request.response.last_modified = 0;
    request.response.etag = "\"1\"";
    request.response.location = "/x";
    request.response.ranges_allowed = true;
    request.response.fields.add(request.arena, "X-One", "1");
    request.response.fields.add(request.arena, "x-one", "2");
    struct {
        std::string_view name;
        VariableValue want;
    } cases[] = {
        {"content_type", "text/html"},
        {"content_length", "12"},
        {"last_modified", "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"etag", "\"1\""},
        {"location", "/x"},
        {"accept_ranges", "bytes"},
        {"connection", "keep-alive"},
        {"keep_alive", "timeout=20"},
        {"x_one", "1, 2"},
        {"transfer_encoding", {}},
        {"server", {}},
    };
    for (auto& c : cases) EXPECT_EQ(response_field(request, named(c.name)), c.want) << c.name;
    request.response.keep_alive = false;
    EXPECT_EQ(response_field(request, named("connection")), "close");
    EXPECT_EQ(response_field(request, named("keep_alive")), std::nullopt);
}

}  // namespace
}  // namespace ringx::http

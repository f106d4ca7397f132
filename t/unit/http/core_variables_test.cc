// t/unit/http/core_variables_test.cc - every variable of the core, for one request, as nginx would give it.
//
// Each is asked by name, as a template does. What is different in each run (times, numbers, addresses) has tests of its
// own form.
#include "http/core_variables.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/fd.h"
#include "http/request.h"
#include "t/unit/http/sample_site.h"

namespace ringx::http {
namespace {

VariableValue value_of(Request& request, std::string_view name) {
    const Variable* variable = find_variable(name);
    EXPECT_NE(variable, nullptr) << name;
    if (variable == nullptr) return std::nullopt;
    VariableUse use;
    use.name = name;
    use.get = variable->get;
    if (variable->is_family) use.suffix = name.substr(variable->name.size());
    return use.value(request);
}

struct Case {
    std::string_view name;
    VariableValue want;
};

void expect_all(Request& request, std::initializer_list<Case> cases) {
    for (const Case& c : cases) EXPECT_EQ(value_of(request, c.name), c.want) << c.name;
}

TEST(CoreVariables, show_the_request_as_it_came) {
    SampleSite site("server { listen 1; server_name First.example other; root /srv; }");
    Request& request = site.request("GET /a%20b?x=1 HTTP/1.1\nHost: WWW.Example.com:8080\nContent-Length: 5\n"
                                    "Content-Type: text/x\nAuthorization: basic bWU6cHc=\n\n");
    request.received_bytes = 99;
    request.uri = "/a b";
    expect_all(request, {
        {"request", "GET /a%20b?x=1 HTTP/1.1"}, {"request_method", "GET"},       {"request_uri", "/a%20b?x=1"},
        {"uri", "/a b"},                        {"document_uri", "/a b"},        {"args", "x=1"},
        {"query_string", "x=1"},                {"is_args", "?"},                {"host", "www.example.com"},
        {"content_length", "5"},                {"content_type", "text/x"},      {"remote_user", "me"},
        {"request_length", "99"},               {"request_port", "8080"},        {"is_request_port", ":"},
        {"server_name", "first.example"},       {"server_protocol", "HTTP/1.1"}, {"scheme", "http"},
        {"https", ""},                          {"document_root", "/srv"},       {"request_filename", "/srv/a b"},
        {"arg_x", "1"},                         {"http_host", "WWW.Example.com:8080"},
    });
}

TEST(CoreVariables, of_a_bare_request_are_empty_or_missing_as_in_nginx) {
    SampleSite site("server { listen 1; server_name first; }");
    Request& request = site.request("GET / HTTP/1.0\n\n");
    expect_all(request, {
        {"args", {}},           {"is_args", ""},         {"host", "first"},       {"remote_user", {}},
        {"request_port", ""},   {"is_request_port", ""}, {"content_length", {}},  {"server_protocol", "HTTP/1.0"},
        {"request_body", {}},   {"limit_rate", "0"},     {"proxy_protocol_addr", {}}, {"cookie_a", {}},
        {"sent_trailer_a", {}}, {"pipe", "."},
    });
    Request& garbage = site.request("garbage\n");
    expect_all(garbage, {{"request_method", {}}, {"request_uri", {}}, {"uri", {}}, {"server_protocol", {}}});
}

TEST(CoreVariables, of_an_absolute_target_begin_at_the_path) {
    SampleSite site("server { listen 1; }");
    struct {
        std::string_view target, want;
    } cases[] = {{"http://b:81/x?y", "/x?y"}, {"http://b", "/"}, {"http://b?y", "/?y"}, {"http://b/x?", "/x?"}};
    for (auto& c : cases) {
        Request& request = site.request("GET " + std::string(c.target) + " HTTP/1.1\nHost: b\n\n");
        expect_all(request, {{"request_uri", c.want}, {"host", "b"}});
    }
}

TEST(CoreVariables, of_credentials_give_the_user_only_when_there_is_one) {
    SampleSite site("server { listen 1; }");
    struct {
        std::string_view credentials;
        VariableValue want;
    } cases[] = {
        {"Basic bWU6cHc=", "me"}, {"Basic   bWU6cHc", "me"}, {"Basic bWU=", {}}, {"Basic Ojpwdw==", ""},
        {"Basic !!", {}},         {"Bearer bWU6cHc=", {}},   {"Basic", {}},
    };
    for (auto& c : cases) {
        std::string field = "Authorization: " + std::string(c.credentials);
        Request& request = site.request("GET / HTTP/1.1\nHost: a\n" + field + "\n\n");
        EXPECT_EQ(value_of(request, "remote_user"), c.want) << c.credentials;
    }
}

TEST(CoreVariables, tell_what_became_of_the_answer) {
    SampleSite site("server { listen 1; }");
    Request& request = site.request();
    expect_all(request, {{"status", "000"}, {"request_completion", ""}});
    request.sent_status = 404;
    request.sent_bytes = 300;
    request.sent_body_bytes = 150;
    request.completed = true;
    request.pipelined = true;
    expect_all(request, {{"status", "404"}, {"bytes_sent", "300"}, {"body_bytes_sent", "150"},
                         {"request_completion", "OK"}, {"pipe", "p"}});
}

TEST(CoreVariables, of_paths_follow_alias_and_links) {
    SampleFolder folder;
    ASSERT_EQ(mkdir(folder.path("real").c_str(), 0755), 0);
    ASSERT_EQ(symlink(folder.path("real").c_str(), folder.path("link").c_str()), 0);
    SampleSite site("server { listen 1; location /i/ { alias /images/; } location /l/ { root " + folder.path("link") +
                    "; } location ~ ^/re(.*) { alias /re$1; } }");
    Request& aliased = site.request("GET /i/a.gif HTTP/1.1\nHost: a\n\n");
    expect_all(aliased, {{"request_filename", "/images/a.gif"}, {"document_root", "/images/"}});
    Request& matched = site.request("GET /re/x HTTP/1.1\nHost: a\n\n");
    expect_all(matched, {{"request_filename", "/re/x"}});
    Request& linked = site.request("GET /l/ HTTP/1.1\nHost: a\n\n");
    EXPECT_EQ(value_of(linked, "realpath_root"), folder.path("real"));
}

TEST(CoreVariables, of_a_connection_are_those_of_its_socket) {
    Fd listener(socket(AF_INET, SOCK_STREAM, 0)), client(socket(AF_INET, SOCK_STREAM, 0));
    Address address = *Address::parse("127.0.0.1", 0);
    ASSERT_EQ(bind(listener.get(), address.get(), address.length()), 0);
    ASSERT_EQ(listen(listener.get(), 1), 0);
    Address server = Address::of_socket(listener.get());
    ASSERT_EQ(connect(client.get(), server.get(), server.length()), 0);
    Fd accepted(accept(listener.get(), nullptr, nullptr));

    SampleSite site("server { listen 1; }");
    site.peer.fd = accepted.get();
    site.peer.number = 7;
    Request& request = site.request();
    request.number = 3;
    std::string port = std::to_string(Address::of_socket(client.get()).port());
    expect_all(request, {
        {"remote_addr", "127.0.0.1"}, {"remote_port", port},
        {"server_addr", "127.0.0.1"}, {"server_port", std::to_string(server.port())},
        {"binary_remote_addr", std::string_view("\x7f\0\0\1", 4)},
        {"connection", "7"},          {"connection_requests", "3"},
    });
    EXPECT_GT(atoi(std::string(value_of(request, "tcpinfo_snd_cwnd").value_or("")).c_str()), 0);
}

TEST(CoreVariables, of_times_and_names_have_their_form) {
    SampleSite site("server { listen 1; }");
    Request& request = site.request();
    auto masked = [&](std::string_view name) {
        std::string text(value_of(request, name).value_or("nothing"));
        std::ranges::replace_if(text, [](char c) { return c >= '0' && c <= '9'; }, '9');
        return text;
    };
    EXPECT_EQ(masked("msec"), "9999999999.999");
    EXPECT_EQ(masked("request_time"), "9.999");
    EXPECT_EQ(masked("time_local").substr(0, 3), "99/");
    EXPECT_EQ(masked("time_iso8601").substr(0, 19), "9999-99-99T99:99:99");
    EXPECT_EQ(masked("time_iso8601_ms").substr(0, 23), "9999-99-99T99:99:99.999");
    EXPECT_EQ(value_of(request, "pid"), std::to_string(getpid()));
    EXPECT_NE(value_of(request, "hostname"), "");
    EXPECT_NE(value_of(request, "nginx_version"), "");
}

TEST(CoreVariables, give_each_request_one_identity) {
    SampleSite site("server { listen 1; }");
    std::set<std::string> seen;
    for (int i = 0; i < 3; ++i) {
        Request& request = site.request();
        std::string id(*value_of(request, "request_id"));
        EXPECT_EQ(id.size(), 32u);
        EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), id.npos);
        EXPECT_EQ(value_of(request, "request_id"), id);
        EXPECT_TRUE(seen.insert(id).second);
    }
}

}  // namespace
}  // namespace ringx::http

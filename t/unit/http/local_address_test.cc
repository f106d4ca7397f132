// http/local_address_test.cc - what is an address of ours, and which one is used for a request.
//
// Mistakes of the directive are found in t/conf, and what the kernel makes of the rules in t/http; this is what lies
// between: from texts to the rules of a socket.
#include "http/local_address.h"

#include <gtest/gtest.h>

#include <string>

#include "modules/proxy/settings.h"
#include "t/unit/http/sample_site.h"

namespace ringx::http {
namespace {

std::string read(std::string_view text) {
    auto address = parse_local_address(text);
    return address ? address->text() : "-";
}

TEST(LocalAddress, is_an_address_with_or_without_a_port) {
    struct {
        std::string_view text, address;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1:0"},
        {"127.0.0.1:80", "127.0.0.1:80"},
        {"::1", "[::1]:0"},
        {"[::1]:80", "[::1]:80"},
        {"::ffff:127.0.0.1", "[::ffff:127.0.0.1]:0"},
        {"[::1]", "-"},  // as in nginx
        {"", "-"},
        {"80", "-"},
        {":80", "-"},
        {"*", "-"},
        {"*:80", "-"},
        {"localhost", "-"},
        {"a.b:80", "-"},
        {"127.0.0.1:", "-"},
        {"127.0.0.1:x", "-"},
        {"127.0.0.1:65536", "-"},
        {"127.0.0.256", "-"},
        {"127.0.0.1 ", "-"},
        {"unix:/a.b", "-"},
        {"[::1:80", "-"},
        {"::x", "-"},
    };
    for (const auto& each : cases) EXPECT_EQ(read(each.text), each.address) << each.text;
}

// What the rules of a socket say for a request with this query: the address, and ! where it may be anybody's.
std::string bound_to(std::string_view bind, const std::string& query = "") {
    std::string directive = bind.empty() ? "" : "proxy_bind " + std::string(bind) + ";";
    SampleSite site("error_log /dev/null; server { listen 1; proxy_bind 127.0.0.9; location / { " + directive +
                    " proxy_pass http://127.0.0.1:9; } }");
    EXPECT_TRUE(site.mistakes().empty()) << bind;
    Request& request = site.request("GET /?" + query + " HTTP/1.1\nHost: a\n\n");
    SocketRules rules;
    proxy::settings.in(*request.block).bind->apply(request, rules);
    return (rules.from ? rules.from->text() : "-") + (rules.transparent ? "!" : "");
}

TEST(LocalAddress, is_the_one_that_is_said) {
    EXPECT_EQ(bound_to(""), "127.0.0.9:0");
    EXPECT_EQ(bound_to("127.0.0.7"), "127.0.0.7:0");
    EXPECT_EQ(bound_to("127.0.0.7:80"), "127.0.0.7:80");
    EXPECT_EQ(bound_to("127.0.0.7 transparent"), "127.0.0.7:0!");
    EXPECT_EQ(bound_to("off"), "-");
}

TEST(LocalAddress, may_be_told_by_the_request) {
    EXPECT_EQ(bound_to("$arg_from", "from=127.0.0.7"), "127.0.0.7:0");
    EXPECT_EQ(bound_to("$arg_from:80 transparent", "from=127.0.0.7"), "127.0.0.7:80!");
    EXPECT_EQ(bound_to("$arg_from", "from=::1"), "[::1]:0");
    // Which of ours it is does not matter then.
    EXPECT_EQ(bound_to("$arg_from"), "-");
    EXPECT_EQ(bound_to("$arg_from", "from=nobody"), "-");
    EXPECT_EQ(bound_to("$arg_from", "from=80"), "-");
}

}  // namespace
}  // namespace ringx::http

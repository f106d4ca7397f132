// host_test.cc - what names a host, and what does not.
//
// A name decides which server answers, so what two parsers could read differently is refused.
#include "http/host.h"

#include <gtest/gtest.h>

namespace ringx::http {
namespace {

TEST(ParseHost, takes_names_addresses_and_ports) {
    struct { std::string_view text, name, port, lower; } cases[] = {
        {"a", "a", "", "a"},
        {"Example.ORG", "Example.ORG", "", "example.org"},
        {"example.org.", "example.org", "", "example.org"},
        {"A.:80", "A", "80", "a"},
        {"a:", "a", "", "a"},
        {"a:0", "a", "0", "a"},
        {"a:65535", "a", "65535", "a"},
        {"a:00080", "a", "00080", "a"},
        {"127.0.0.1:8080", "127.0.0.1", "8080", "127.0.0.1"},
        {"[::1]", "[::1]", "", "[::1]"},
        {"[2001:DB8::1]:443", "[2001:DB8::1]", "443", "[2001:db8::1]"},
        {"[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]", "1", "[::ffff:1.2.3.4]"},
        {"[v1.x:y]", "[v1.x:y]", "", "[v1.x:y]"},
        {"_", "_", "", "_"},
        {"a_b-c~d", "a_b-c~d", "", "a_b-c~d"},
        {"a%C3%a9", "a%C3%a9", "", "a%c3%a9"},
        {"a,b", "a,b", "", "a,b"},
        {".a", ".a", "", ".a"},
    };
    for (auto& c : cases) {
        auto host = parse_host(c.text);
        ASSERT_TRUE(host) << c.text;
        EXPECT_EQ(host->name, c.name) << c.text;
        EXPECT_EQ(host->port, c.port) << c.text;
        EXPECT_EQ(host->is_lower, c.name == c.lower) << c.text;
        std::string storage;
        EXPECT_EQ(lower_host(*host, storage), c.lower) << c.text;
    }
}

TEST(ParseHost, refuses_what_is_no_host) {
    std::string_view cases[] = {
        "", ".", "..", "a..", "a..b", "..a", ":", ":80", "a:b", "a:8 0", "a:-1", "a:+80", "a:65536",
        "a:99999999999999999999",
        "a:80:80", "::1", "a b", " a", "a ", "a\tb", "a/b", "/", "a?b", "a#b", "a@b", "u:p@a", "a\\b", "a\"b",
        "a<b", "a|b",
        "a^b", "a`b", "a{b}", "a%", "a%2", "a%zz", "[", "]", "[]", "[::1", "::1]", "[::1]x", "[::1]80",
        "[::1]:x", "[zz]",
        "[1.2.3.4]", "[::1%eth0]", "[::1%25eth0]", "[a]b]", "[[::1]]", "[v1/x]", "a[b]", "\x80", "a\xc3\xa9", "a\x7f",
        "a\x01", std::string_view("a\0b", 3), "a, b",
    };
    for (std::string_view text : cases) EXPECT_FALSE(parse_host(text)) << text;
}

}  // namespace
}  // namespace ringx::http

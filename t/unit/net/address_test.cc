// t/unit/net/address_test.cc - addresses as configurations write them and as logs show them.
//
// The table holds every accepted form and one text for each way of being wrong.
#include "net/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fd.h"

namespace ringx {
namespace {

TEST(Address, reads_every_form_of_listen) {
    struct {
        std::string_view text, want, host;
        uint16_t port;
    } cases[] = {
        {"80", "0.0.0.0:80", "0.0.0.0", 80},
        {"*:8080", "0.0.0.0:8080", "0.0.0.0", 8080},
        {"*", "0.0.0.0:81", "0.0.0.0", 81},
        {"127.0.0.1", "127.0.0.1:81", "127.0.0.1", 81},
        {"127.0.0.1:65535", "127.0.0.1:65535", "127.0.0.1", 65535},
        {"[::1]:80", "[::1]:80", "::1", 80},
        {"[::]", "[::]:81", "::", 81},
        {"[2001:DB8:0:0::1]:80", "[2001:db8::1]:80", "2001:db8::1", 80},
        {"unix:/run/a.sock", "unix:/run/a.sock", "unix:", 0},
    };
    for (auto& c : cases) {
        auto address = Address::parse(c.text, 81);
        ASSERT_TRUE(address.has_value()) << c.text;
        EXPECT_EQ(address->text(), c.want);
        EXPECT_EQ(address->host_text(), c.host) << c.text;
        EXPECT_EQ(address->port(), c.port) << c.text;
        EXPECT_EQ(Address(address->get(), address->length()), *address);
    }
}

TEST(Address, refuses_what_is_none) {
    std::string long_path = "unix:/" + std::string(108, 'x');
    for (std::string_view text :
         {"", ":80", "0", "65536", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:8a", "127.0.0.1:", "localhost",
          "localhost:80", "1.2.3:80", "256.0.0.1:80", "[::1", "[]:80", "[::1]80", "[127.0.0.1]:80", "::1", "unix:",
          long_path.c_str()}) {
        EXPECT_FALSE(Address::parse(text, 81).has_value()) << text;
    }
}

TEST(Address, of_four_bytes_is_written_as_inet_ntop_does) {
    for (uint32_t i = 0; i < 256; ++i) {
        uint8_t bytes[4] = {static_cast<uint8_t>(i), 0, static_cast<uint8_t>(255 - i), 10};
        char text[INET_ADDRSTRLEN], want[INET_ADDRSTRLEN];
        *write_ipv4(bytes, text) = '\0';
        EXPECT_STREQ(text, inet_ntop(AF_INET, bytes, want, sizeof want));
    }
}

TEST(Address, knows_wildcards) {
    EXPECT_TRUE(Address::parse("80", 0)->is_wildcard());
    EXPECT_TRUE(Address::parse("[::]:80", 0)->is_wildcard());
    EXPECT_FALSE(Address::parse("127.0.0.1:80", 0)->is_wildcard());
    EXPECT_FALSE(Address::parse("unix:/x", 0)->is_wildcard());
}

TEST(Address, resolves_names_and_leaves_addresses_alone) {
    auto addresses = Address::resolve("localhost:8080", 80);
    ASSERT_FALSE(addresses.empty());
    EXPECT_EQ(addresses[0].port(), 8080);
    EXPECT_EQ(Address::resolve("[::1]:80", 80).at(0).text(), "[::1]:80");
    EXPECT_TRUE(Address::resolve("no.such.name.invalid:80", 80).empty());
    EXPECT_TRUE(Address::resolve("bad:port", 80).empty());
}

TEST(Address, of_sockets_without_a_name_is_still_an_address) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    Fd one(pair[0]), other(pair[1]);
    EXPECT_EQ(Address::of_peer(one.get()).text(), "unix:");
    EXPECT_EQ(Address::of_peer(-1).family(), AF_UNSPEC);
    EXPECT_EQ(Address::of_peer(-1).text(), "");
}

}  // namespace
}  // namespace ringx

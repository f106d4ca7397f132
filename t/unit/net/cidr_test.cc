// t/unit/net/cidr_test.cc - blocks of addresses: what can be written, and who is in them.
//
// A block is written as nginx reads it, a word more or less is refused; who is in it is asked at the edges of each.

#include "net/cidr.h"

#include <gtest/gtest.h>

namespace ringx {
namespace {

Address address(std::string_view text) { return *Address::parse(text, 80); }

TEST(Cidr, contains_what_begins_alike) {
    struct {
        std::string_view block, address;
        bool want;
    } cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true},       {"10.0.0.0/8", "11.0.0.1", false},
        {"10.0.0.1", "10.0.0.1", true},           {"10.0.0.1", "10.0.0.2", false},
        {"0.0.0.0/0", "1.2.3.4", true},           {"0.0.0.0/0", "[::1]:80", false},
        {"192.168.3.0/23", "192.168.2.1", true},  {"192.168.2.0/23", "192.168.4.1", false},
        {"::/0", "[::1]:80", true},               {"2001:db8::/33", "[2001:db8:7fff::1]:80", true},
        {"2001:db8::/33", "[2001:db8:8000::1]:80", false}, {"::1", "[::1]:80", true},
        {"unix:", "unix:/x", true},               {"unix:", "1.2.3.4", false},
        {"1.2.3.4", "unix:/x", false},
    };
    for (auto& c : cases) {
        bool host_bits = false;
        auto cidr = Cidr::parse(c.block, host_bits);
        ASSERT_TRUE(cidr) << c.block;
        EXPECT_EQ(cidr->contains(address(c.address)), c.want) << c.block << " " << c.address;
    }
}

TEST(Cidr, says_that_bits_are_ignored) {
    bool host_bits = false;
    EXPECT_TRUE(Cidr::parse("10.0.0.1/31", host_bits));
    EXPECT_TRUE(host_bits);
    EXPECT_TRUE(Cidr::parse("10.0.0.2/31", host_bits));
    EXPECT_FALSE(host_bits);
    EXPECT_TRUE(Cidr::parse("2001:db8::1/127", host_bits));
    EXPECT_TRUE(host_bits);
}

TEST(Cidr, refuses_what_is_none) {
    for (auto text : {"", "all", "1.2.3", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/8x", "::/129", "[::1]",
                      "1.2.3.4:80", "localhost", "unix:/x", "/8"}) {
        bool host_bits = false;
        EXPECT_FALSE(Cidr::parse(text, host_bits)) << text;
    }
}

TEST(Cidr, of_an_address_holds_it_alone) {
    EXPECT_TRUE(Cidr::of(address("1.2.3.4")).contains(address("1.2.3.4")));
    EXPECT_FALSE(Cidr::of(address("1.2.3.4")).contains(address("1.2.3.5")));
    EXPECT_TRUE(Cidr::of(address("[::1]:80")).contains(address("[::1]:80")));
    EXPECT_FALSE(Cidr::of(address("[::1]:80")).contains(address("[::2]:80")));
}

TEST(Unmapped, finds_ipv4_in_ipv6) {
    EXPECT_EQ(unmapped(address("[::ffff:1.2.3.4]:80")).text(), "1.2.3.4:80");
    EXPECT_EQ(unmapped(address("[::1]:80")).text(), "[::1]:80");
    EXPECT_EQ(unmapped(address("1.2.3.4:80")).text(), "1.2.3.4:80");
}

}  // namespace
}  // namespace ringx

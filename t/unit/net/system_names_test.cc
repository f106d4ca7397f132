// t/unit/net/system_names_test.cc - what /etc/resolv.conf and /etc/hosts may say.
//
// Files are those of resolv.conf(5) and hosts(5), and what people make of them: whatever is no use is passed over, as
// the C library does it.
#include "net/system_names.h"

#include <gtest/gtest.h>

namespace ringx {
namespace {

using Texts = std::vector<std::string>;

Texts texts(const std::vector<Address>& addresses) {
    Texts all;
    for (const Address& address : addresses) all.push_back(address.text());
    return all;
}

SystemNames of_resolv_conf(std::string_view text) {
    SystemNames names;
    read_resolv_conf(text, names);
    return names;
}

TEST(SystemNames, name_servers_are_read_three_at_most) {
    struct {
        std::string_view text;
        Texts want;
    } cases[] = {
        {"", {"127.0.0.1:53"}},
        {"nameserver 10.0.0.1\n#nameserver 10.0.0.2\n;nameserver 10.0.0.3\n", {"10.0.0.1:53"}},
        {"nameserver\t::1\r\nnameserver nonsense\nnameserver\n nameserver 10.0.0.1", {"[::1]:53", "10.0.0.1:53"}},
        {"nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4\n",
         {"1.1.1.1:53", "2.2.2.2:53", "3.3.3.3:53"}},
    };
    for (const auto& [text, want] : cases) EXPECT_EQ(texts(of_resolv_conf(text).rules->servers), want) << text;
}

TEST(SystemNames, options_are_bounded) {
    struct {
        std::string_view text;
        unsigned ndots, rounds;
        uint64_t try_ms;
        bool rotates;
    } cases[] = {
        {"", 1, 2, 5000, false},
        {"options ndots:5 timeout:1 attempts:3 rotate edns0", 5, 3, 1000, true},
        {"options ndots:99 timeout:99 attempts:99", 15, 5, 30'000, false},
        {"options ndots:0 timeout:0 attempts:0", 0, 1, 1000, false},
        {"options ndots:x timeout: attempts timeout:-1 ndotss:3", 1, 2, 5000, false},
    };
    for (const auto& [text, ndots, rounds, try_ms, rotates] : cases) {
        SystemNames names = of_resolv_conf(text);
        EXPECT_EQ(names.ndots, ndots) << text;
        EXPECT_EQ(names.rules->rounds_max, rounds) << text;
        EXPECT_EQ(names.rules->first_try_ms, try_ms) << text;
        EXPECT_EQ(names.rules->rotates, rotates) << text;
    }
}

TEST(SystemNames, domains_are_tried_before_or_after_the_name) {
    SystemNames names = of_resolv_conf("domain old.test\nsearch a.test. b.test .\noptions ndots:2\n");
    struct {
        std::string_view name;
        Texts want;
    } cases[] = {
        {"host", {"host.a.test", "host.b.test", "host"}},
        {"x.y.z", {"x.y.z", "x.y.z.a.test", "x.y.z.b.test"}},
        {"host.", {"host"}},
        {"a b", {}},
        {"", {}},
    };
    for (const auto& [name, want] : cases) EXPECT_EQ(names.candidates(name), want) << name;
}

TEST(SystemNames, a_host_has_all_its_addresses_once) {
    SystemNames names;
    read_hosts("127.0.0.1 localhost\n::1 LOCALHOST ip6-localhost # not-me\n127.0.0.1 localhost\n"
               "nonsense here\n10.0.0.1\n10.0.0.2 last", names);
    EXPECT_EQ(names.hosts.size(), 3u);
    EXPECT_EQ(texts(names.hosts["localhost"]), (Texts{"127.0.0.1:0", "[::1]:0"}));
    EXPECT_EQ(texts(names.hosts["ip6-localhost"]), Texts{"[::1]:0"});
    EXPECT_EQ(texts(names.hosts["last"]), Texts{"10.0.0.2:0"});
}

TEST(SystemNames, files_that_are_not_there_say_nothing) {
    auto names = read_system_names({"/nowhere/resolv.conf", "/nowhere/hosts"}, nullptr);
    EXPECT_EQ(texts(names->rules->servers), Texts{"127.0.0.1:53"});
    EXPECT_TRUE(names->hosts.empty());
    EXPECT_EQ(read_system_names({"/nowhere/resolv.conf", "/nowhere/hosts"}, names), names);
}

}  // namespace
}  // namespace ringx

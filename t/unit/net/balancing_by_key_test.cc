// t/unit/net/balancing_by_key_test.cc - whom a key belongs to: the same server as nginx says.
//
// The tables were seen of nginx, with servers of these names and weights. A server that is down is called by nobody.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "net/balancing.h"
#include "t/unit/net/sample_servers.h"

namespace ringx {
namespace {

constexpr uint64_t now = SampleServers::now;
constexpr std::string_view keys[] = {"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i", "/j", "/k", "/l", "/m",
                                     "/n", "/o", "/p", "/aaa", "/bbb", "/index.html", "/127.0.0.1"};

HashRing ring_of(std::initializer_list<uint32_t> weights) {
    HashRing ring;
    uint32_t server = 0;
    for (uint32_t weight : weights) {
        ring.add(server, "127.0.0.1:" + std::to_string(19081 + server), weight);
        ++server;
    }
    ring.complete();
    return ring;
}
constexpr std::array<uint32_t, 3> in_ring{0, 1, 2};

TEST(ChooseByHash, gives_keys_the_servers_that_nginx_gives_them) {
    SampleServers servers(SampleServers::of_weights({1, 1, 1}));
    std::string found;
    for (std::string_view key : keys) {
        KeySearch search{.key = key};
        found += SampleServers::name_of(choose_by_hash(servers.all(), {}, search, now));
    }
    EXPECT_EQ(found, "bcbabbbcbaaaabbabbcc");
}

TEST(ChooseByHash, goes_on_to_others_when_a_server_is_down) {
    SampleServers servers({{.weight = 3}, {}, {.down = true}});
    std::string found;
    for (std::string_view key : {"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i", "/j", "/aaa", "/bbb",
                                 "/index.html", "/x?y=1", "/127.0.0.1"}) {
        KeySearch search{.key = key};
        found += SampleServers::name_of(choose_by_hash(servers.all(), {}, search, now));
    }
    EXPECT_EQ(found, "abbaabababaaaaa");
}

TEST(ChooseByRing, gives_keys_the_servers_that_nginx_gives_them) {
    SampleServers servers(SampleServers::of_weights({1, 1, 1}));
    HashRing ring = ring_of({1, 1, 1});
    std::string found;
    for (std::string_view key : keys) {
        KeySearch search{.key = key};
        found += SampleServers::name_of(choose_by_ring(servers.all(), {}, ring, in_ring, search, now));
    }
    EXPECT_EQ(found, "bbcbaabaacbacabbbaaa");
}

TEST(ChooseByRing, goes_on_along_the_ring_when_a_server_is_down) {
    SampleServers servers({{.weight = 3}, {}, {.down = true}});
    HashRing ring = ring_of({3, 1, 1});
    std::string found;
    for (std::string_view key : keys) {
        KeySearch search{.key = key};
        found += SampleServers::name_of(choose_by_ring(servers.all(), {}, ring, in_ring, search, now));
    }
    EXPECT_EQ(found, "baabaabaaabaaaaabaaa");
}

TEST(ChooseByRing, moves_only_the_keys_of_a_server_that_goes) {
    SampleServers servers(SampleServers::of_weights({1, 1, 1}));
    HashRing all = ring_of({1, 1, 1}), fewer = ring_of({1, 1});
    size_t stayed = 0, moved = 0;
    for (int i = 0; i < 1000; ++i) {
        std::string key = std::to_string(i);
        uint32_t before = all.server_at(all.find(key)), after = fewer.server_at(fewer.find(key));
        (before == after ? stayed : moved) += 1;
        EXPECT_TRUE(before == after || before == 2) << key;
    }
    EXPECT_GT(stayed, 500u);
    EXPECT_GT(moved, 200u);
}

TEST(ChooseByRing, the_addresses_of_a_server_have_its_keys_in_turn) {
    SampleServers servers(SampleServers::of_weights({1, 1, 1}));
    HashRing ring = ring_of({1, 1});
    constexpr std::array<uint32_t, 3> two_names{0, 0, 1};
    std::string found;
    for (int i = 0; i < 4; ++i) {
        KeySearch search{.key = "/e"};
        found += SampleServers::name_of(choose_by_ring(servers.all(), {}, ring, two_names, search, now));
    }
    EXPECT_EQ(found, "abab");
}

TEST(HashRing, a_name_without_port_and_a_path_have_points_of_their_own) {
    HashRing ring;
    ring.add(0, "host", 1);
    ring.add(1, "host:80", 1);
    ring.add(2, "unix:/path:80", 1);
    ring.add(3, "[::1]:80", 1);
    ring.add(4, "host:80", 1);
    ring.complete();
    EXPECT_EQ(ring.size(), 4 * HashRing::points_of_weight) << "the same name has the same points";
}

TEST(ChooseByAddress, gives_clients_the_servers_that_nginx_gives_them) {
    using namespace std::string_view_literals;
    // 1.2.3.*, 10.0.0.*, 10.0.1.*, 192.168.7.*, 8.8.8.*, ::1, 2001:db8::1, 2001:db8::2, fe80::1, 127.0.0.*
    constexpr std::string_view clients[] = {
        "\x01\x02\x03"sv, "\x0a\x00\x00"sv, "\x0a\x00\x01"sv, "\xc0\xa8\x07"sv, "\x08\x08\x08"sv,
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"sv, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"sv,
        "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"sv, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"sv, "\x7f\x00\x00"sv,
    };
    SampleServers equal(SampleServers::of_weights({1, 1, 1})), unequal({{.weight = 2}, {.down = true}, {}});
    std::string found, found_unequal;
    for (std::string_view client : clients) {
        KeySearch search{.key = client}, other{.key = client};
        found += SampleServers::name_of(choose_by_address(equal.all(), {}, search, now));
        found_unequal += SampleServers::name_of(choose_by_address(unequal.all(), {}, other, now));
    }
    EXPECT_EQ(found, "babbcccaac");
    EXPECT_EQ(found_unequal, "caaacaaaca");
}

TEST(SearchByKey, gives_up_when_there_is_nobody) {
    SampleServers servers({{.down = true}, {.down = true}});
    HashRing ring = ring_of({1, 1});
    Dice dice(1);
    KeySearch searches[] = {{.key = "a"}, {.key = "a"}, {.key = "a"}, {}};
    EXPECT_EQ(choose_by_hash(servers.all(), {}, searches[0], now), no_peer);
    EXPECT_EQ(choose_by_address(servers.all(), {}, searches[1], now), no_peer);
    EXPECT_EQ(choose_by_ring(servers.all(), {}, ring, std::span(in_ring).first(2), searches[2], now), no_peer);
    EXPECT_EQ(choose_at_random(servers.all(), {}, dice, searches[3], now), no_peer);
    for (const KeySearch& search : searches) EXPECT_TRUE(search.given_up());
}

TEST(ChooseAtRandom, follows_the_weights) {
    SampleServers servers({{.weight = 1}, {.weight = 3}, {.down = true}});
    Dice dice(4711);
    int counts[3] = {};
    for (int i = 0; i < 4000; ++i) {
        KeySearch search;
        size_t chosen = choose_at_random(servers.all(), {}, dice, search, now);
        ASSERT_LT(chosen, 2u);
        ++counts[chosen];
    }
    EXPECT_NEAR(counts[0], 1000, 150);
    EXPECT_NEAR(counts[1], 3000, 150);
}

TEST(ChooseBetterOfTwo, never_takes_the_worst) {
    SampleServers servers(SampleServers::of_weights({1, 1, 1}));
    servers.state(1).connections = 9;
    servers.state(2).header_us = 3'000'000;
    for (PeerState* state : {&servers.state(0), &servers.state(1), &servers.state(2)}) state->checked_ms = now;
    Dice dice(4711);
    TimeRules by_time;
    std::string connected, timed;
    for (int i = 0; i < 200; ++i) {
        KeySearch one, other;
        connected += SampleServers::name_of(choose_better_of_two(servers.all(), {}, nullptr, dice, one, now));
        timed += SampleServers::name_of(choose_better_of_two(servers.all(), {}, &by_time, dice, other, now));
    }
    EXPECT_FALSE(connected.contains('b') || connected.contains('-'));
    EXPECT_TRUE(connected.contains('a') && connected.contains('c'));
    EXPECT_FALSE(timed.contains('c') || timed.contains('-'));
    EXPECT_TRUE(timed.contains('a') && timed.contains('b'));
}

}  // namespace
}  // namespace ringx

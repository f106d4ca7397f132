// t/unit/net/peers_test.cc - a request's way through a group: primaries, then backups, each once.
//
// All addresses are ports of one host, so that a row of tries reads as a row of numbers. Nobody connects anywhere.
#include "net/peers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

namespace ringx {
namespace {

constexpr uint64_t now = 1'000'000;

// A server whose only address has this port.
PeerServer server(uint16_t port, PeerRules rules = {}, bool backup = false) {
    PeerServer made;
    made.name = "127.0.0.1:" + std::to_string(port);
    made.rules = rules;
    made.backup = backup;
    made.addresses = {*Address::parse(made.name, 0)};
    return made;
}

std::shared_ptr<PeerGroup> group_of(std::vector<PeerServer> servers, Balance balance = Balance::in_turn) {
    auto group = std::make_shared<PeerGroup>();
    group->name = "backend";
    group->servers = std::move(servers);
    group->balance = balance;
    group->complete();
    return group;
}

class PeersTest : public testing::Test {
 protected:
    // The ports that one request tries, if all of them fail.
    std::string failing_tries(const std::shared_ptr<const PeerGroup>& group, PeerWish wish = {}) {
        PeerChoice choice(peers_.roster(group), wish);
        std::string ports;
        while (const Peer* peer = choice.next(now)) {
            ports += std::to_string(peer->address.port()) + " ";
            (void)choice.done({.failed = true}, now);
            if (choice.tries_left() == 0) break;
        }
        return ports;
    }
    // The ports of so many requests that succeed.
    std::string requests(const std::shared_ptr<const PeerGroup>& group, int count, PeerWish wish = {}) {
        std::string ports;
        for (int i = 0; i < count; ++i) {
            PeerChoice choice(peers_.roster(group), wish);
            const Peer* peer = choice.next(now);
            ports += peer == nullptr ? "- " : std::to_string(peer->address.port()) + " ";
            if (peer != nullptr) {
                EXPECT_FALSE(choice.done({}, now));
            }
        }
        return ports;
    }

    Lives lives_;
    WorkerPeers peers_{lives_, lives_.begin()};
};

TEST_F(PeersTest, each_server_is_tried_once_and_backups_last) {
    auto group = group_of({server(1), server(9, {}, true), server(2, {.down = true}), server(3)});
    EXPECT_EQ(requests(group, 4), "1 3 1 3 ");
    EXPECT_EQ(failing_tries(group), "1 3 9 ");
    EXPECT_EQ(failing_tries(group), "") << "all are unavailable now";
}

TEST_F(PeersTest, the_failures_of_a_single_server_are_not_held_against_it) {
    auto group = group_of({server(1)});
    EXPECT_EQ(failing_tries(group), "1 ");
    EXPECT_EQ(failing_tries(group), "1 ");
    EXPECT_EQ(requests(group_of({server(1, {.down = true})}), 1), "- ");
}

TEST_F(PeersTest, connections_count_until_their_end) {
    auto group = group_of({server(1, {.max_conns = 1}), server(2, {.max_conns = 1}, true)});
    auto single = group_of({server(1, {.max_conns = 1})});
    {
        PeerChoice first(peers_.roster(group)), second(peers_.roster(group)), third(peers_.roster(group));
        EXPECT_EQ(first.next(now)->address.port(), 1);
        EXPECT_EQ(second.next(now)->address.port(), 2);
        EXPECT_EQ(third.next(now), nullptr);
        EXPECT_EQ(first.current()->address.port(), 1);
    }
    EXPECT_EQ(requests(group, 2), "1 1 ") << "a choice that is destroyed ends its connection";
    PeerChoice choice(peers_.roster(single));
    EXPECT_NE(choice.next(now), nullptr);
    EXPECT_EQ(requests(single, 1), "- ");
}

TEST_F(PeersTest, a_connection_that_is_kept_counts_until_nobody_keeps_it) {
    auto group = group_of({server(1, {.max_conns = 1})});
    auto again = group_of({server(1, {.max_conns = 1})});
    std::optional<PeerHold> hold;
    {
        PeerChoice choice(peers_.roster(group));
        ASSERT_NE(choice.next(now), nullptr);
        hold.emplace(choice.keep({.header_us = 1}, now));
        EXPECT_EQ(choice.current(), nullptr);
    }
    EXPECT_EQ(requests(group, 1), "- ");
    std::weak_ptr<const PeerGroup> old = group;
    group = nullptr;
    EXPECT_TRUE(old.expired()) << "a tunnel keeps no configuration";
    EXPECT_EQ(requests(again, 1), "- ");
    std::optional<PeerHold> moved(std::move(*hold));
    hold.reset();
    EXPECT_EQ(requests(again, 1), "- ");
    moved.reset();
    EXPECT_EQ(requests(again, 1), "1 ");
}

TEST_F(PeersTest, a_group_that_comes_again_goes_on_with_what_is_known_of_its_servers) {
    auto group = group_of({server(1), server(2), server(3)});
    EXPECT_EQ(failing_tries(group), "1 2 3 ");
    auto changed = group_of({server(4), server(2), server(3, {.max_fails = 5})});
    EXPECT_EQ(requests(changed, 4), "3 4 3 4 ");
    auto other = group_of({server(2), server(3)});
    other->name = "other";
    EXPECT_EQ(requests(other, 2), "2 3 ");
}

TEST_F(PeersTest, the_same_address_twice_is_two_peers) {
    auto group = group_of({server(1), server(1), server(2)});
    EXPECT_EQ(failing_tries(group), "1 1 2 ");
}

TEST_F(PeersTest, a_server_without_address_is_found_when_its_name_is) {
    PeerServer unknown;
    unknown.name = unknown.name_to_resolve = "unknown.example";
    auto group = group_of({unknown, server(1)});
    EXPECT_EQ(requests(group, 2), "1 1 ");
    PeerChoice before(peers_.roster(group));
    FoundPeer found[] = {{*Address::parse("127.0.0.1:7", 0)}, {*Address::parse("127.0.0.1:8", 0)}};
    peers_.resolved(group, 0, found);
    EXPECT_EQ(requests(group, 3), "7 8 1 ");
    EXPECT_EQ(before.next(now)->address.port(), 1) << "a choice goes on with the roster it began with";
    peers_.resolved(group, 0, {});
    EXPECT_EQ(requests(group, 2), "1 1 ");
}

TEST_F(PeersTest, a_service_has_weights_and_backups_of_its_own) {
    PeerServer service;
    service.name = service.name_to_resolve = "service.example";
    PeerServer heavy = service;
    heavy.name = "heavy.example";
    heavy.rules.weight = 2;
    auto group = group_of({service, heavy});
    Address one = *Address::parse("127.0.0.1:1", 0), two = *Address::parse("127.0.0.1:2", 0);
    FoundPeer found[] = {{.address = one, .weight = 3}, {.address = two, .backup = true}};
    peers_.resolved(group, 0, found);
    peers_.resolved(group, 1, std::span(found).first(1));
    auto all = peers_.roster(group)->peers();
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].rules.weight, 3u);
    EXPECT_EQ(all[1].rules.weight, 2u) << "what the configuration says comes first";
    EXPECT_EQ(all[2].address, two);
    EXPECT_EQ(failing_tries(group), "1 1 2 ");
}

TEST_F(PeersTest, a_key_stays_with_its_server_among_backups_too) {
    PeerServer a, b;
    a.name = a.name_to_resolve = "a.example";
    b.name = b.name_to_resolve = "b.example";
    auto found = [](uint16_t port, bool backup) {
        return FoundPeer{.address = server(port).addresses[0], .backup = backup};
    };
    FoundPeer of_a[] = {found(1, false), found(2, false), found(3, true)};
    FoundPeer of_b[] = {found(4, false), found(5, true)};
    for (std::string key : {"0", "1", "2", "3", "4", "5", "6", "7"}) {
        auto group = group_of({a, b}, Balance::by_ring);
        group->name = key;
        peers_.resolved(group, 0, of_a);
        peers_.resolved(group, 1, of_b);
        std::string ports = failing_tries(group, {.key = key});
        ASSERT_EQ(ports.size(), 10u) << "all are tried: " << ports;
        EXPECT_EQ(ports[6], ports[0] == '4' ? '5' : '3') << ports;
    }
}

TEST_F(PeersTest, every_method_tries_all_servers) {
    for (Balance balance : {Balance::in_turn, Balance::least_connected, Balance::fastest, Balance::by_address,
                            Balance::by_hash, Balance::by_ring, Balance::at_random, Balance::less_connected_of_two,
                            Balance::faster_of_two}) {
        for (std::string_view key : {"", "key"}) {
            auto group = group_of({server(1), server(2), server(3), server(4), server(5)}, balance);
            group->name = std::to_string(static_cast<int>(balance)) + std::string(key);
            std::string ports = failing_tries(group, {.key = key});
            for (char port = '1'; port <= '5'; ++port) {
                EXPECT_EQ(std::count(ports.begin(), ports.end(), port), 1) << group->name << ": " << ports;
            }
            EXPECT_EQ(failing_tries(group, {.key = key}), "") << group->name;
        }
    }
}

TEST_F(PeersTest, a_key_stays_with_its_server) {
    for (Balance balance : {Balance::by_address, Balance::by_hash, Balance::by_ring}) {
        auto group = group_of({server(1), server(2), server(3)}, balance);
        std::string first = requests(group, 1, {.key = "abc"});
        EXPECT_EQ(requests(group, 3, {.key = "abc"}), first + first + first);
    }
}

TEST_F(PeersTest, a_request_is_bound_to_the_peer_of_its_route_as_long_as_that_can_be_asked) {
    PeerServer named = server(2, {.drain = true});
    named.route = "b";
    auto group = group_of({server(1), named, server(3)}, Balance::at_random);
    group->binds = true;
    EXPECT_EQ(requests(group, 3, {.route = "b"}), "2 2 2 ");
    EXPECT_FALSE(requests(group, 20).contains('2')) << "it is drained";
    std::string_view own = peers_.roster(group)->peers()[2].route;
    EXPECT_EQ(own.size(), 32u);
    EXPECT_EQ(requests(group, 3, {.route = own}), "3 3 3 ");
    EXPECT_NE(requests(group, 1, {.route = "unknown"}), "- ");
    EXPECT_TRUE(failing_tries(group, {.route = "b"}).starts_with("2 "));
    EXPECT_FALSE(requests(group, 3, {.route = "b"}).contains('2')) << "it has failed";
}

TEST_F(PeersTest, times_are_learnt_from_answers) {
    auto group = group_of({server(1), server(2)}, Balance::fastest);
    group->time.inflight = true;
    for (uint64_t us : {900'000, 100'000}) {
        PeerChoice choice(peers_.roster(group));
        ASSERT_NE(choice.next(now), nullptr);
        choice.got_header(us, now + us / 1000);
        (void)choice.done({.header_us = us, .response_us = us}, now + us / 1000);
    }
    EXPECT_EQ(requests(group, 3), "2 2 2 ");
    {
        PeerChoice unanswered(peers_.roster(group));
        EXPECT_EQ(unanswered.next(now)->address.port(), 2);
    }
    EXPECT_EQ(requests(group, 3), "2 2 2 ") << "who asked has gone, nobody waits";
}

TEST(AddressKey, is_what_counts_of_an_address) {
    using namespace std::string_view_literals;
    EXPECT_EQ(address_key(*Address::parse("1.2.3.4", 80)), "\x01\x02\x03"sv);
    EXPECT_EQ(address_key(*Address::parse("[::1]", 80)), "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"sv);
    EXPECT_EQ(address_key(*Address::parse("unix:/path", 80)), "\0\0\0"sv);
}

}  // namespace
}  // namespace ringx

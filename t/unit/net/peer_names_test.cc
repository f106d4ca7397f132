// t/unit/net/peer_names_test.cc - servers known by name: found while the server runs, and found again.
//
// The name server is a thread with real sockets, which says what the test wants. The group's only other server has an
// address, so that there is always somebody.
#include "net/peer_names.h"

#include <gtest/gtest.h>

#include "t/unit/event/both_engines.h"
#include "t/unit/net/name_server.h"

namespace ringx {
namespace {

using engine_test::engine_name;
constexpr unsigned type_a = 1, type_srv = 33;

class PeerNamesTest : public engine_test::BothEngines {
 protected:
    void SetUp() override {
        BothEngines::SetUp();
        if (IsSkipped()) return;
        open();
        resolver = std::make_unique<Resolver>(loop);
        names = std::make_unique<PeerNames>(*resolver);
        auto made = std::make_shared<ResolverRules>();
        made->servers = {server.address()};
        made->first_try_ms = 100;
        made->ipv6 = false;
        rules = made;
    }
    void TearDown() override {
        if (IsSkipped()) return;
        names->end();
        EXPECT_TRUE(until([this] { return names->count() == 0 && resolver->questions() == 0; }));
    }

    // A group of one with an address and one with that name.
    std::shared_ptr<PeerGroup> group_of(std::string name, bool resolve, std::string service = {}) {
        PeerServer known, named;
        known.name = "127.0.0.1:1";
        known.addresses = {*Address::parse(known.name, 0)};
        named.name = named.name_to_resolve = std::move(name);
        named.resolve = resolve;
        named.service = std::move(service);
        named.port = 81;
        auto group = std::make_shared<PeerGroup>();
        group->name = "u";
        group->servers = {known, named};
        group->complete();
        return group;
    }
    void use(const std::shared_ptr<PeerGroup>& group) {
        names->use({{.group = group, .rules = rules, .limit_ms = 2000}}, peers, &log);
    }
    std::string peers_of(const std::shared_ptr<PeerGroup>& group) {
        std::string all;
        for (const Peer& peer : peers.roster(group)->peers()) all += peer.text + " ";
        return all;
    }
    bool until_peers_are(const std::shared_ptr<PeerGroup>& group, std::string_view want) {
        return until([&] { return peers_of(group) == want; });
    }

    NameServer server;
    Lives lives;
    WorkerPeers peers{lives, lives.begin()};
    Log log;
    std::unique_ptr<Resolver> resolver;
    std::unique_ptr<PeerNames> names;
    std::shared_ptr<const ResolverRules> rules;
};

TEST_P(PeerNamesTest, a_name_that_was_unknown_is_found_once) {
    server.knows({"late.test", type_a, 60, NameServer::v4("10.0.0.1")});
    auto group = group_of("late.test", false);
    EXPECT_EQ(peers_of(group), "127.0.0.1:1 ");
    use(group);
    EXPECT_TRUE(until_peers_are(group, "127.0.0.1:1 10.0.0.1:81 "));
    EXPECT_TRUE(until([&] { return names->count() == 0; })) << "nothing is left to be done";
}

TEST_P(PeerNamesTest, with_resolve_a_name_is_looked_up_again_when_its_answer_has_grown_old) {
    std::atomic<int> answers = 0;
    server.knows({"moves.test", type_a, 1, NameServer::v4("10.0.0.1")});
    server.does([&](const Asked&, std::string right) {
        if (++answers > 1) right.replace(right.size() - 4, 4, NameServer::v4("10.0.0.2"));
        return NameServer::once(std::move(right));
    });
    auto group = group_of("moves.test", true);
    use(group);
    EXPECT_TRUE(until_peers_are(group, "127.0.0.1:1 10.0.0.1:81 "));
    EXPECT_TRUE(until_peers_are(group, "127.0.0.1:1 10.0.0.2:81 "));
    EXPECT_EQ(names->count(), 1u);
}

TEST_P(PeerNamesTest, a_service_tells_ports_weights_and_backups) {
    server.knows({"_http._tcp.service.test", type_srv, 60, NameServer::service(1, 5, 8001, "a.test")});
    server.knows({"_http._tcp.service.test", type_srv, 60, NameServer::service(2, 0, 8002, "b.test")});
    server.knows({"a.test", type_a, 60, NameServer::v4("10.0.0.1")});
    server.knows({"b.test", type_a, 60, NameServer::v4("10.0.0.2")});
    auto group = group_of("service.test", true, "http");
    use(group);
    EXPECT_TRUE(until_peers_are(group, "127.0.0.1:1 10.0.0.1:8001 10.0.0.2:8002 "));
    EXPECT_EQ(peers.roster(group)->peers()[1].rules.weight, 5u);
    PeerChoice choice(peers.roster(group));
    std::string ports;
    while (const Peer* peer = choice.next(1)) {
        ports += std::to_string(peer->address.port()) + " ";
        (void)choice.done({.failed = true}, 1);
    }
    EXPECT_EQ(ports, "8001 1 8002 ");
}

TEST_P(PeerNamesTest, a_host_of_a_service_that_cannot_be_looked_up_stays) {
    std::atomic<int> asked_for_b = 0;
    server.knows({"_http._tcp.service.test", type_srv, 1, NameServer::service(1, 0, 8001, "a.test")});
    server.knows({"_http._tcp.service.test", type_srv, 1, NameServer::service(1, 0, 8002, "b.test")});
    server.knows({"a.test", type_a, 60, NameServer::v4("10.0.0.1")});
    server.knows({"b.test", type_a, 1, NameServer::v4("10.0.0.2")});
    server.does([&](const Asked& asked, std::string right) {
        bool fails = asked.name == "b.test" && ++asked_for_b > 1;
        if (fails) right[3] = static_cast<char>((right[3] & 0xf0) | 2);  // SERVFAIL
        return NameServer::once(std::move(right));
    });
    auto group = group_of("service.test", true, "http");
    use(group);
    EXPECT_TRUE(until_peers_are(group, "127.0.0.1:1 10.0.0.1:8001 10.0.0.2:8002 "));
    EXPECT_TRUE(until([&] { return asked_for_b > 1 && resolver->questions() == 0; }));
    EXPECT_EQ(peers_of(group), "127.0.0.1:1 10.0.0.1:8001 10.0.0.2:8002 ");
}

TEST_P(PeerNamesTest, a_service_whose_name_has_dots_is_looked_up_as_it_is) {
    server.knows({"x._udp.service.test", type_srv, 60, NameServer::service(1, 0, 8001, "a.test")});
    server.knows({"a.test", type_a, 60, NameServer::v4("10.0.0.1")});
    auto group = group_of("service.test", false, "x._udp");
    use(group);
    EXPECT_TRUE(until_peers_are(group, "127.0.0.1:1 10.0.0.1:8001 "));
}

TEST_P(PeerNamesTest, a_name_server_that_fails_takes_no_address_away_and_one_that_knows_better_does) {
    auto group = group_of("gone.test", true);
    FoundPeer found[] = {{.address = *Address::parse("10.0.0.9:81", 0)}};
    peers.resolved(group, 1, found);
    server.does([](const Asked&, std::string right) {
        right[3] = static_cast<char>((right[3] & 0xf0) | 2);  // SERVFAIL
        return NameServer::once(std::move(right));
    });
    use(group);
    EXPECT_TRUE(until([&] { return !server.asked().empty() && resolver->questions() == 0; }));
    EXPECT_EQ(peers_of(group), "127.0.0.1:1 10.0.0.9:81 ");
    server.does([](const Asked&, std::string right) { return NameServer::once(std::move(right)); });
    use(group);  // as after a reload
    EXPECT_TRUE(until_peers_are(group, "127.0.0.1:1 "));
}

TEST_P(PeerNamesTest, it_ends_whatever_it_is_doing) {
    server.does([](const Asked&, std::string) { return NameServer::Replies(); });
    auto group = group_of("silent.test", true);
    use(group);
    EXPECT_TRUE(until([&] { return !server.asked().empty(); }));
    names->end();
    EXPECT_TRUE(until([&] { return names->count() == 0; }));
    EXPECT_EQ(peers_of(group), "127.0.0.1:1 ");
}

FOR_BOTH_ENGINES(PeerNamesTest);

}  // namespace
}  // namespace ringx

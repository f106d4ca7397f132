// t/unit/net/resolver_test.cc - names are asked for, and found or not, whatever the servers do.
//
// The name servers are threads with real sockets. Each operation and each answer of the engine fails once, and a lookup
// is cancelled in every turn: it always ends, and leaves nothing in flight.
#include "net/resolver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "t/unit/http/on_faulty_engine.h"
#include "t/unit/net/name_server.h"

namespace ringx {
namespace {

using Replies = NameServer::Replies;
constexpr unsigned type_a = 1, type_cname = 5, type_aaaa = 28, type_srv = 33;

template <typename T>
struct Ending {
    bool over = false;
    std::expected<FoundNames<T>, NameFault> result = std::unexpected(NameFault::cancelled);
};

Conversation find(NameLookup& lookup, std::string name, uint64_t limit_ms, Ending<Address>& ending) {
    ending.result = co_await lookup.find(std::move(name), 80, limit_ms);
    ending.over = true;
}

Conversation find_services(NameLookup& lookup, std::string name, uint64_t limit_ms, Ending<ServicePeer>& ending) {
    ending.result = co_await lookup.find_services(std::move(name), limit_ms);
    ending.over = true;
}

class ResolverTest : public OnFaultyEngine {
 protected:
    void SetUp() override {
        OnFaultyEngine::SetUp();
        if (engine == nullptr) return;
        resolver = std::make_unique<Resolver>(loop);
        server.knows({"www.test", type_a, 60, NameServer::v4("10.0.0.1")});
        server.knows({"www.test", type_aaaa, 60, NameServer::v6("fd00::1")});
        ask({server.address()});
    }
    void TearDown() override { EXPECT_TRUE(until([this] { return !resolver || resolver->questions() == 0; })); }

    // From now on these servers are asked.
    void ask(std::vector<Address> servers) {
        auto made = std::make_shared<ResolverRules>();
        made->servers = std::move(servers);
        made->first_try_ms = 100;
        made->rotates = false;
        rules = made;
    }
    void change(const std::function<void(ResolverRules&)>& how) {
        auto made = std::make_shared<ResolverRules>(*rules);
        how(*made);
        rules = made;
    }

    Ending<Address> look_up(const std::string& name, const std::function<void(NameLookup&, size_t)>& in_turn = {}) {
        NameLookup lookup(*resolver, rules);
        Ending<Address> ending;
        find(lookup, name, limit_ms, ending);
        size_t turns = 0;
        EXPECT_TRUE(until([&] {
            if (in_turn) in_turn(lookup, ++turns);
            return ending.over;
        }));
        return ending;
    }
    // The addresses, sorted, or the fault.
    std::string found(const std::string& name) { return text_of_ending(look_up(name)); }
    static std::string text_of_ending(const Ending<Address>& ending) {
        if (!ending.result) return std::string(text_of(ending.result.error()));
        std::set<std::string> sorted;
        for (const Address& address : ending.result->all) sorted.insert(address.text());
        std::string text;
        for (const std::string& one : sorted) text += (text.empty() ? "" : " ") + one;
        return text;
    }

    NameServer server;
    std::unique_ptr<Resolver> resolver;
    std::shared_ptr<const ResolverRules> rules;
    uint64_t limit_ms = 5000;
};

const std::string both = "10.0.0.1:80 [fd00::1]:80";

TEST_P(ResolverTest, a_name_has_addresses_of_both_kinds_and_is_asked_for_once) {
    EXPECT_EQ(found("WWW.test."), both);
    EXPECT_EQ(found("www.test"), both);
    auto asked = server.asked();
    ASSERT_EQ(asked.size(), 2u);
    EXPECT_NE(asked[0].port, asked[1].port);
}

TEST_P(ResolverTest, one_kind_of_addresses_can_be_left_out) {
    change([](ResolverRules& r) { r.ipv6 = false; });
    EXPECT_EQ(found("www.test"), "10.0.0.1:80");
    change([](ResolverRules& r) { r.ipv6 = true, r.ipv4 = false; });
    EXPECT_EQ(found("www.test"), "[fd00::1]:80");
    EXPECT_EQ(server.asked().size(), 2u);
}

TEST_P(ResolverTest, what_is_not_there_is_not_found) {
    for (const char* name : {"nobody.test", "", "a..b", "a b"}) EXPECT_EQ(found(name), "3: Host not found") << name;
}

TEST_P(ResolverTest, many_who_wait_for_the_same_ask_once) {
    NameLookup first(*resolver, rules), second(*resolver, rules);
    Ending<Address> one, two;
    find(first, "www.test", limit_ms, one);
    find(second, "www.test", limit_ms, two);
    EXPECT_TRUE(until([&] { return one.over && two.over; }));
    EXPECT_EQ(text_of_ending(one), both);
    EXPECT_EQ(text_of_ending(two), both);
    EXPECT_EQ(server.asked().size(), 2u);
}

TEST_P(ResolverTest, more_questions_than_it_asks_at_a_time_wait_for_their_turn) {
    constexpr size_t names = 300;
    std::vector<std::unique_ptr<NameLookup>> lookups;
    std::vector<Ending<Address>> endings(names);
    for (size_t i = 0; i < names; ++i) {
        std::string name = "n" + std::to_string(i);
        server.knows({name, type_a, 60, NameServer::v4("10.0.0.1")});
        lookups.push_back(std::make_unique<NameLookup>(*resolver, rules));
        find(*lookups[i], name, limit_ms, endings[i]);
    }
    lookups[names - 1]->cancel();
    EXPECT_EQ(resolver->questions(), 2 * names);
    EXPECT_TRUE(until([&] { return std::ranges::all_of(endings, &Ending<Address>::over); }));
    for (size_t i = 0; i + 1 < names; ++i) EXPECT_EQ(text_of_ending(endings[i]), "10.0.0.1:80") << i;
    EXPECT_EQ(endings[names - 1].result.error(), NameFault::cancelled);
}

TEST_P(ResolverTest, the_first_address_is_another_one_each_time) {
    server.knows({"www.test", type_a, 60, NameServer::v4("10.0.0.2")});
    std::set<std::string> first;
    for (int i = 0; i < 6; ++i) first.insert(look_up("www.test").result->all.at(0).text());
    EXPECT_EQ(first.size(), 3u);
}

TEST_P(ResolverTest, aliases_are_followed_also_where_the_answer_ends_with_one) {
    server.knows({"a.test", type_cname, 60, NameServer::wire("b.test")});
    server.knows({"b.test", type_cname, 60, NameServer::wire("www.test")});
    EXPECT_EQ(found("a.test"), both);
}

TEST_P(ResolverTest, aliases_without_end_are_given_up) {
    server.knows({"a.test", type_cname, 60, NameServer::wire("b.test")});
    server.knows({"b.test", type_cname, 60, NameServer::wire("a.test")});
    server.knows({"self.test", type_cname, 60, NameServer::wire("self.test")});
    for (int i = 0; i < 100; ++i) {
        server.knows({"n" + std::to_string(i), type_cname, 60, NameServer::wire("n" + std::to_string(i + 1))});
    }
    for (const char* name : {"a.test", "self.test", "n0"}) EXPECT_EQ(found(name), "2: Server failure") << name;
    EXPECT_LT(server.asked().size(), 100u);
}

TEST_P(ResolverTest, answers_that_are_none_are_passed_over) {
    server.does([](const Asked&, std::string right) {
        std::string other_id = right, other_name = right, question = right;
        other_id[0] ^= 1;
        other_name[13] ^= 1;
        question[2] = 1;
        return Replies{"", "x", other_id, other_name, question, right.substr(0, right.size() - 1), right};
    });
    EXPECT_EQ(found("www.test"), both);
}

TEST_P(ResolverTest, a_storm_makes_it_ask_anew) {
    bool was_storm = false;
    server.does([&](const Asked&, std::string right) {
        std::string wrong = right;
        wrong[0] ^= 1;
        if (std::exchange(was_storm, true)) return NameServer::once(right);
        return Replies(200, wrong);
    });
    EXPECT_EQ(found("www.test"), both);
}

TEST_P(ResolverTest, what_was_truncated_is_asked_for_over_tcp) {
    server.does([](const Asked& asked, std::string right) {
        if (!asked.is_tcp) right[2] |= 2;
        return NameServer::once(asked.is_tcp ? right : right.substr(0, 12) + asked.question);
    });
    EXPECT_EQ(found("www.test"), both);
    size_t streams = 0;
    for (const Asked& asked : server.asked()) streams += asked.is_tcp;
    EXPECT_EQ(streams, 2u);
}

TEST_P(ResolverTest, who_does_not_know_edns_is_asked_without) {
    server.does([](const Asked&, std::string right) { return NameServer::once(right); });
    int questions = 0;
    server.does([&](const Asked&, std::string right) {
        if (++questions > 2) return NameServer::once(right);
        std::string refusal = right.substr(0, 12);
        refusal[3] = '\x81';
        refusal.replace(4, 8, 8, '\0');
        return NameServer::once(refusal);
    });
    EXPECT_EQ(found("www.test"), both);
}

TEST_P(ResolverTest, the_next_server_is_asked_when_one_fails) {
    NameServer silent, failing;
    silent.does([](const Asked&, const std::string&) { return Replies(); });
    failing.does([](const Asked&, std::string right) {
        right[3] = '\x82';
        return NameServer::once(right);
    });
    uint16_t port = 0;
    Fd unheard = listen_tcp(port);  // no datagrams there
    ask({*Address::parse("127.0.0.1", port), silent.address(), failing.address(), server.address()});
    EXPECT_EQ(found("www.test"), both);
    ask({failing.address(), failing.address()});
    EXPECT_EQ(found("www.test"), "2: Server failure");
    EXPECT_EQ(found("www.test"), "2: Server failure");
    EXPECT_EQ(failing.asked().size(), 2u + 4u + 4u);  // a failure is not kept
}

TEST_P(ResolverTest, a_question_that_was_lost_is_asked_again) {
    int questions = 0;
    server.does([&](const Asked&, std::string right) {
        return ++questions > 2 ? NameServer::once(right) : Replies();
    });
    EXPECT_EQ(found("www.test"), both);
    EXPECT_EQ(server.asked().size(), 4u);
}

TEST_P(ResolverTest, its_time_is_bounded) {
    server.does([](const Asked&, const std::string&) { return Replies(); });
    limit_ms = 30;
    EXPECT_EQ(found("www.test"), "110: Operation timed out");
    limit_ms = 5000;
    change([](ResolverRules& r) { r.timeout_ms = 30; });
    EXPECT_EQ(found("www.test"), "110: Operation timed out");
    change([](ResolverRules& r) { r.timeout_ms = 5000, r.first_try_ms = 10, r.rounds_max = 2; });
    EXPECT_EQ(found("www.test"), "110: Operation timed out");
}

TEST_P(ResolverTest, answers_are_kept_as_long_as_they_say) {
    server.knows({"now.test", type_a, 0, NameServer::v4("10.0.0.1")});
    server.knows({"now.test", type_aaaa, 0x80000000, NameServer::v6("fd00::1")});
    found("now.test");
    EXPECT_EQ(found("now.test"), both);
    EXPECT_EQ(server.asked().size(), 4u);
    change([](ResolverRules& r) { r.valid_seconds = 60; });
    found("now.test");
    EXPECT_EQ(found("now.test"), both);
    EXPECT_EQ(server.asked().size(), 6u);
    found("nobody.test");
    found("nobody.test");
    EXPECT_EQ(server.asked().size(), 8u);
}

TEST_P(ResolverTest, services_have_hosts_by_priority) {
    server.knows({"_x._tcp.test", type_srv, 60, NameServer::service(2, 5, 8080, "www.test")});
    server.knows({"_x._tcp.test", type_srv, 60, NameServer::service(1, 7, 8081, "www.test")});
    server.knows({"_x._tcp.test", type_srv, 60, NameServer::service(1, 7, 8082, "nobody.test")});
    server.knows({"none._tcp.test", type_srv, 60, NameServer::service(0, 0, 0, "")});
    NameLookup lookup(*resolver, rules);
    Ending<ServicePeer> ending;
    find_services(lookup, "_x._tcp.test", limit_ms, ending);
    EXPECT_TRUE(until([&] { return ending.over; }));
    ASSERT_TRUE(ending.result);
    ASSERT_EQ(ending.result->all.size(), 4u);
    EXPECT_EQ(ending.result->all[0].address.port(), 8081);
    EXPECT_EQ(ending.result->all[0].weight, 7);
    EXPECT_EQ(ending.result->all[3].address.port(), 8080);
    EXPECT_EQ(ending.result->all[3].priority, 2);

    NameLookup nothing(*resolver, rules);
    Ending<ServicePeer> none;
    find_services(nothing, "none._tcp.test", limit_ms, none);
    EXPECT_TRUE(until([&] { return none.over; }));
    EXPECT_EQ(none.result.error(), NameFault::not_found);
}

TEST_P(ResolverTest, cancelled_in_any_turn_it_ends) {
    server.does([](const Asked& asked, std::string right) {
        if (!asked.is_tcp) right[2] |= 2;
        return NameServer::once(right);
    });
    bool was_cancelled = true;
    for (size_t n = 1; was_cancelled; ++n) {
        resolver = std::make_unique<Resolver>(loop);
        was_cancelled = false;
        auto ending = look_up("www.test", [&](NameLookup& lookup, size_t turn) {
            if (turn != n) return;
            lookup.cancel();
            was_cancelled = true;
        });
        EXPECT_TRUE(ending.result || ending.result.error() == NameFault::cancelled);
        EXPECT_TRUE(until([this] { return resolver->questions() == 0; }));
        EXPECT_EQ(engine->in_flight(), 0u);
    }
}

TEST_P(ResolverTest, who_leaves_takes_nothing_from_those_who_stay) {
    server.does([count = 0](const Asked&, std::string right) mutable {
        return ++count > 2 ? NameServer::once(right) : Replies();
    });
    NameLookup leaves(*resolver, rules), stays(*resolver, rules);
    Ending<Address> gone, there;
    find(leaves, "www.test", limit_ms, gone);
    find(stays, "www.test", limit_ms, there);
    EXPECT_TRUE(until([&] { return server.asked().size() == 2; }));
    leaves.cancel();
    EXPECT_TRUE(until([&] { return gone.over && there.over; }));
    EXPECT_EQ(gone.result.error(), NameFault::cancelled);
    EXPECT_EQ(text_of_ending(there), both);
}

TEST_P(ResolverTest, who_comes_when_the_last_has_left_is_answered) {
    NameLookup leaves(*resolver, rules), comes(*resolver, rules);
    Ending<Address> gone, there;
    find(leaves, "www.test", limit_ms, gone);
    loop.turn(0);
    leaves.cancel();
    EXPECT_TRUE(until([&] { return gone.over; }));
    find(comes, "www.test", limit_ms, there);
    EXPECT_TRUE(until([&] { return there.over; }));
    EXPECT_EQ(text_of_ending(there), both);
}

TEST_P(ResolverTest, whatever_fails_it_ends) {
    server.does([](const Asked& asked, std::string right) {
        if (!asked.is_tcp) right[2] |= 2;
        return NameServer::once(right);
    });
    change([](ResolverRules& r) { r.first_try_ms = 20; });
    for (bool answers : {false, true}) {
        size_t faults = 1;
        for (size_t n = 1; faults > 0; ++n) {
            resolver = std::make_unique<Resolver>(loop);
            engine->heal();
            if (answers) engine->fail_answer(n, ECONNRESET);
            if (!answers) engine->fail_operation(n, ECONNRESET);
            EXPECT_EQ(found("www.test"), both) << n;
            faults = engine->faults();
            EXPECT_TRUE(until([this] { return resolver->questions() == 0; }));
            EXPECT_EQ(engine->in_flight(), 0u);
        }
        engine->heal();
    }
}

TEST_P(ResolverTest, without_rules_it_looks_where_the_system_does) {
    std::string path = testing::TempDir() + "resolver_test." + std::to_string(getpid());
    auto write = [&](const char* name, const std::string& text) {
        std::ofstream(path + name) << text;
    };
    write(".hosts", "127.0.0.9 Here here.test # not.here\n");
    write(".conf", "nameserver 127.0.0.1\n");
    resolver = std::make_unique<Resolver>(loop, SystemFiles{path + ".conf", path + ".hosts"});
    rules = nullptr;
    EXPECT_EQ(found("here"), "127.0.0.9:80");
    EXPECT_EQ(found("HERE.test."), "127.0.0.9:80");
    EXPECT_EQ(found("not.here.invalid"), "3: Host not found");
    write(".hosts", "127.0.0.10 here and.more\n");
    EXPECT_TRUE(until([&] { return found("here") == "127.0.0.10:80"; }));
    for (const char* name : {".hosts", ".conf"}) unlink((path + name).c_str());
}

using engine_test::engine_name;
FOR_BOTH_ENGINES(ResolverTest);

}  // namespace
}  // namespace ringx

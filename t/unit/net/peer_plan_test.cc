// t/unit/net/peer_plan_test.cc - servers of a group changed at run time: plans, and workers that follow them.
//
// A worker here is an object with a life of its own; one dies in a zone as a child of this process that leaves while it
// holds the lock.
#include "net/peer_plan.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "net/peers.h"

namespace ringx {
namespace {

constexpr uint64_t now = 1'000'000;
using enum PeerChange::Kind;

PeerServer server(std::string name, PeerRules rules = {}) {
    PeerServer made;
    made.name = std::move(name);
    made.rules = rules;
    made.port = 80;
    if (auto address = Address::parse(made.name, made.port)) made.addresses = {*address};
    return made;
}

// A name, and what it stands for.
PeerServer host(std::string name, std::vector<std::string> addresses) {
    PeerServer made = server(std::move(name));
    for (const std::string& text : addresses) made.addresses.push_back(*Address::parse(text, 0));
    return made;
}

PeerChange weight(uint32_t weight) { return {.given = PeerChange::weight, .rules = {.weight = weight}}; }
PeerChange down(bool down) { return {.given = PeerChange::down, .rules = {.down = down}}; }
PeerChange addition(PeerRules rules = {}) { return {.kind = added, .given = PeerChange::all, .rules = rules}; }
const PeerChange removal{.kind = removed};

class PeerPlanTest : public testing::Test {
 protected:
    void SetUp() override {
        zone_->name = "backend";
        zone_->bytes = SharedZone::bytes_min;
        zone_->memory = *SharedZone::create("test", zone_->bytes);
        plans_->memory = *SharedZone::create("plans", 4 * SharedZone::bytes_min);
    }
    std::shared_ptr<PeerGroup> group_of(std::vector<PeerServer> servers, Balance balance = Balance::in_turn) {
        auto group = std::make_shared<PeerGroup>();
        group->name = "backend";
        group->servers = std::move(servers);
        group->balance = balance;
        group->zone = zone_;
        group->plans = plans_;
        group->complete();
        return group;
    }
    // "ADDRESS*WEIGHT ", with a mark for those that are down, in the order of the roster.
    static std::string peers_of(WorkerPeers& worker, const std::shared_ptr<PeerGroup>& group) {
        std::string texts;
        for (const Peer& peer : worker.roster(group)->peers()) {
            texts += peer.text + "*" + std::to_string(peer.rules.weight) + (peer.rules.down ? "! " : " ");
        }
        return texts;
    }
    void say(WorkerPeers& worker, const std::shared_ptr<PeerGroup>& group, std::string_view name, PeerChange change) {
        auto said = worker.change(group, name, change);
        EXPECT_TRUE(said.has_value()) << name << ": " << (said ? 0 : static_cast<int>(said.error()));
    }
    static PeerFault fault_of(WorkerPeers& worker, const std::shared_ptr<PeerGroup>& group, std::string_view name,
                              PeerChange change) {
        auto said = worker.change(group, name, change);
        EXPECT_FALSE(said.has_value()) << name;
        return said ? PeerFault{} : said.error();
    }
    static void die_in(const std::shared_ptr<NamedZone>& zone) {
        pid_t child = fork();
        if (child == 0) {
            SharedZone::Lock lock(*zone->memory);
            _exit(0);
        }
        ASSERT_EQ(waitpid(child, nullptr, 0), child);
    }

    Lives lives_;
    std::shared_ptr<NamedZone> zone_ = std::make_shared<NamedZone>(), plans_ = std::make_shared<NamedZone>();
    WorkerPeers first_{lives_, lives_.begin()}, second_{lives_, lives_.begin()};
};

TEST_F(PeerPlanTest, what_one_worker_says_holds_in_all) {
    auto group = group_of({server("127.0.0.1:1"), server("127.0.0.1:2")});
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:1*1 127.0.0.1:2*1 ");
    say(first_, group, "127.0.0.1:3", addition({.weight = 4}));
    say(first_, group, "127.0.0.1:1", weight(7));
    say(second_, group, "127.0.0.1:2", removal);
    for (WorkerPeers* worker : {&first_, &second_}) {
        EXPECT_EQ(peers_of(*worker, group), "127.0.0.1:1*7 127.0.0.1:3*4 ");
    }
    WorkerPeers third(lives_, lives_.begin());
    EXPECT_EQ(peers_of(third, group), "127.0.0.1:1*7 127.0.0.1:3*4 ") << "a worker that came later";
}

TEST_F(PeerPlanTest, what_is_said_again_changes_what_was_said) {
    auto group = group_of({server("127.0.0.1:1", {.weight = 5})});
    say(first_, group, "127.0.0.1:1", down(true));
    say(second_, group, "127.0.0.1:1", weight(2));
    EXPECT_EQ(peers_of(first_, group), "127.0.0.1:1*2! ");
    say(first_, group, "127.0.0.1:1", down(false));
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:1*2 ");
    say(first_, group, "127.0.0.1:1", removal);
    EXPECT_EQ(peers_of(second_, group), "") << "also the last one may go";
    say(second_, group, "127.0.0.1:1", addition());
    EXPECT_EQ(peers_of(first_, group), "127.0.0.1:1*1 ") << "and is a new one when it comes again";
}

TEST_F(PeerPlanTest, what_cannot_be_is_refused) {
    auto group = group_of({server("127.0.0.1:1")});
    EXPECT_EQ(fault_of(first_, group, "127.0.0.1:1", addition()), PeerFault::exists);
    EXPECT_EQ(fault_of(first_, group, "127.0.0.1:2", removal), PeerFault::unknown);
    EXPECT_EQ(fault_of(first_, group, "127.0.0.1:2", weight(2)), PeerFault::unknown);
    say(first_, group, "127.0.0.1:2", addition());
    EXPECT_EQ(fault_of(second_, group, "127.0.0.1:2", addition()), PeerFault::exists);
    say(second_, group, "127.0.0.1:2", removal);
    EXPECT_EQ(fault_of(first_, group, "127.0.0.1:2", removal), PeerFault::unknown);
    auto without = group_of({server("127.0.0.1:1")});
    without->zone = nullptr;
    EXPECT_EQ(fault_of(first_, without, "127.0.0.1:1", removal), PeerFault::no_zone);
}

TEST_F(PeerPlanTest, it_holds_over_the_configuration_field_by_field) {
    auto group = group_of({server("127.0.0.1:1"), server("127.0.0.1:2"), server("127.0.0.1:3")});
    say(first_, group, "127.0.0.1:1", down(true));
    say(first_, group, "127.0.0.1:2", removal);
    say(first_, group, "127.0.0.1:4", addition({.weight = 4}));
    // The next generation has other weights, a server more, one less, and one that was added.
    auto next = group_of({server("127.0.0.1:5"), server("127.0.0.1:4", {.weight = 9}),
                          server("127.0.0.1:2", {.weight = 9}), server("127.0.0.1:1", {.weight = 9})});
    EXPECT_EQ(peers_of(second_, next), "127.0.0.1:5*1 127.0.0.1:4*4 127.0.0.1:1*9! ");
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:1*1! 127.0.0.1:3*1 127.0.0.1:4*4 ");
    say(second_, next, "127.0.0.1:4", removal);
    EXPECT_EQ(peers_of(first_, next), "127.0.0.1:5*1 127.0.0.1:1*9! ");
}

TEST_F(PeerPlanTest, it_belongs_to_group_and_zone) {
    auto group = group_of({server("127.0.0.1:1")});
    say(first_, group, "127.0.0.1:2", addition());
    auto other = group_of({server("127.0.0.1:1")});
    other->name = "frontend";
    EXPECT_EQ(peers_of(first_, other), "127.0.0.1:1*1 ");
    auto larger = std::make_shared<NamedZone>();
    larger->name = "backend";
    larger->bytes = 2 * SharedZone::bytes_min;
    larger->memory = *SharedZone::create("larger", larger->bytes);
    auto later = group_of({server("127.0.0.1:1")});
    later->zone = larger;
    EXPECT_EQ(peers_of(first_, later), "127.0.0.1:1*1 ");
}

TEST_F(PeerPlanTest, added_servers_go_without_a_trace) {
    auto group = group_of({server("127.0.0.1:1")});
    (void)first_.roster(group);
    auto bytes_free = [&] { return SharedZone::Lock(*plans_->memory).free_bytes(); };
    say(first_, group, "10.0.0.1:80", addition());
    say(first_, group, "10.0.0.1:80", removal);
    size_t before = bytes_free();
    for (int i = 0; i < 5000; ++i) {
        std::string name = "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":80";
        say(i % 2 == 0 ? first_ : second_, group, name, addition());
        say(i % 3 == 0 ? first_ : second_, group, name, removal);
    }
    EXPECT_EQ(bytes_free(), before);
    EXPECT_TRUE(first_.plan(group)->plan().empty());
}

TEST_F(PeerPlanTest, what_a_reload_read_before_it_was_removed_stays_away) {
    plans_->memory = *SharedZone::create("plans", SharedPeerPlan::zone_bytes);
    auto saved_group_of = [this](std::vector<PeerServer> servers) {
        auto group = group_of(std::move(servers));
        group->is_saved = true;
        return group;
    };
    auto before = saved_group_of({server("127.0.0.1:1")});
    say(first_, before, "127.0.0.1:2", addition());
    say(first_, before, "127.0.0.1:2", removal);
    auto after = saved_group_of({server("127.0.0.1:1"), server("127.0.0.1:2")});
    EXPECT_EQ(peers_of(first_, after), "127.0.0.1:1*1 ");
    EXPECT_EQ(peers_of(second_, after), "127.0.0.1:1*1 ");
    for (size_t i = 0; i < PeerPlan::withdrawn_max + 5; ++i) {
        std::string name = "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":80";
        say(second_, after, name, addition());
        say(first_, after, name, removal);
    }
    EXPECT_EQ(peers_of(second_, after), "127.0.0.1:1*1 ") << "it is in the configuration, whatever came since";
    const PeerPlan& plan = first_.plan(after)->plan();
    EXPECT_EQ(plan.find("10.1.0.0:80"), nullptr) << "the first are forgotten";
    EXPECT_NE(plan.find("10.1.0.10:80"), nullptr);
    say(second_, after, "127.0.0.1:2", addition({.weight = 2}));
    EXPECT_EQ(peers_of(second_, after), "127.0.0.1:1*1 127.0.0.1:2*2 ");
}

TEST_F(PeerPlanTest, a_full_zone_keeps_the_plan_it_has) {
    auto group = group_of({});
    std::string last;
    int added = 0;
    for (; added < 100'000; ++added) {
        std::string name = "unix:/" + std::string(90, 'x') + std::to_string(added);
        auto said = first_.change(group, name, addition());
        if (!said) {
            EXPECT_EQ(said.error(), PeerFault::no_room);
            break;
        }
        last = name;
    }
    EXPECT_GT(added, 100);
    EXPECT_EQ(second_.roster(group)->peers().size(), static_cast<size_t>(added));
    say(second_, group, last, removal);
    EXPECT_EQ(first_.roster(group)->peers().size(), static_cast<size_t>(added - 1));
}

TEST_F(PeerPlanTest, a_server_is_known_by_its_name_and_by_its_address) {
    auto group = group_of({server("127.0.0.1"), host("backend.example", {"127.0.0.2:8", "127.0.0.3:8"})});
    say(first_, group, "127.0.0.1:80", weight(3));
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:80*3 127.0.0.2:8*1 127.0.0.3:8*1 ");
    say(first_, group, "127.0.0.1", removal);
    EXPECT_EQ(peers_of(second_, group), "127.0.0.2:8*1 127.0.0.3:8*1 ");
    say(first_, group, "127.0.0.1:80", addition());
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:80*1 127.0.0.2:8*1 127.0.0.3:8*1 ") << "in its place";

    say(first_, group, "backend.example", weight(5));
    say(first_, group, "127.0.0.3:8", down(true));
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:80*1 127.0.0.2:8*5 127.0.0.3:8*5! ") << "one of its addresses";
    say(first_, group, "127.0.0.3:8", removal);
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:80*1 127.0.0.2:8*5 ");
    say(first_, group, "127.0.0.3:8", addition());
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:80*1 127.0.0.2:8*5 127.0.0.3:8*1 ");
    say(first_, group, "backend.example", removal);
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:80*1 ");
}

TEST_F(PeerPlanTest, an_address_that_a_name_comes_to_have_is_one_peer) {
    auto group = group_of({server("127.0.0.1:1"), host("backend.example", {})});
    say(first_, group, "127.0.0.2:8", addition({.weight = 4}));
    FoundPeer found[] = {{.address = *Address::parse("127.0.0.2:8", 0)}};
    first_.resolved(group, 1, found);
    EXPECT_EQ(peers_of(first_, group), "127.0.0.1:1*1 127.0.0.2:8*4 ");
    first_.resolved(group, 1, {});
    EXPECT_EQ(peers_of(first_, group), "127.0.0.1:1*1 127.0.0.2:8*4 ");
}

TEST_F(PeerPlanTest, weights_take_effect_at_once) {
    auto group = group_of({server("127.0.0.1:1"), server("127.0.0.1:2")});
    auto ports = [&] {
        std::string ports;
        for (int i = 0; i < 8; ++i) {
            PeerChoice choice((i % 2 == 0 ? first_ : second_).roster(group));
            ports += std::to_string(choice.next(now)->address.port());
            (void)choice.done({}, now);
        }
        return ports;
    };
    EXPECT_EQ(ports(), "12121212");
    say(first_, group, "127.0.0.1:2", weight(3));
    EXPECT_EQ(ports(), "21222122") << "six of eight";
    say(second_, group, "127.0.0.1:2", weight(1));
    EXPECT_EQ(ports(), "12121212");
}

TEST_F(PeerPlanTest, a_ring_has_the_servers_there_are) {
    auto group = group_of({server("127.0.0.1:1"), server("127.0.0.1:2")}, Balance::by_ring);
    auto server_of = [&](WorkerPeers& worker, std::string_view key) {
        PeerChoice choice(worker.roster(group), {.key = key});
        return choice.next(now)->address.port();
    };
    std::string before, after;
    for (char c = 'a'; c <= 'z'; ++c) before += std::to_string(server_of(first_, {&c, 1}));
    say(first_, group, "127.0.0.1:3", addition({.weight = 2}));
    for (char c = 'a'; c <= 'z'; ++c) after += std::to_string(server_of(second_, {&c, 1}));
    EXPECT_NE(after.find('3'), after.npos);
    for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(after[i] == before[i] || after[i] == '3') << i;
    say(first_, group, "127.0.0.1:3", removal);
    std::string again;
    for (char c = 'a'; c <= 'z'; ++c) again += std::to_string(server_of(second_, {&c, 1}));
    EXPECT_EQ(again, before);
}

TEST_F(PeerPlanTest, a_request_under_way_ends_on_the_server_that_was_removed) {
    auto group = group_of({server("127.0.0.1:1"), server("127.0.0.1:2")});
    PeerChoice choice(second_.roster(group));
    ASSERT_EQ(choice.next(now)->address.port(), 1);
    say(first_, group, "127.0.0.1:1", removal);
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:2*1 ");
    EXPECT_EQ(choice.current()->text, "127.0.0.1:1");
    EXPECT_FALSE(choice.done({.header_us = 1}, now));
    say(second_, group, "127.0.0.1:1", addition({.max_conns = 1}));
    EXPECT_EQ(first_.roster(group)->state(0, now).connections, 0u);
}

TEST_F(PeerPlanTest, it_outlives_an_emptied_zone) {
    auto group = group_of({server("127.0.0.1:1")});
    (void)second_.roster(group);
    say(first_, group, "127.0.0.1:2", addition());
    die_in(zone_);
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:1*1 127.0.0.1:2*1 ");
    // The second worker knows an older plan than the first when the plans are lost.
    say(first_, group, "127.0.0.1:3", addition());
    die_in(plans_);
    EXPECT_EQ(SharedZone::Lock(*plans_->memory).repaired(), true);
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:1*1 127.0.0.1:2*1 ");
    EXPECT_EQ(peers_of(first_, group), "127.0.0.1:1*1 127.0.0.1:2*1 127.0.0.1:3*1 ");
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:1*1 127.0.0.1:2*1 127.0.0.1:3*1 ");
    WorkerPeers third(lives_, lives_.begin());
    EXPECT_EQ(peers_of(third, group), "127.0.0.1:1*1 127.0.0.1:2*1 127.0.0.1:3*1 ");
}

TEST_F(PeerPlanTest, who_writes_first_after_the_loss_loses_nothing) {
    auto group = group_of({server("127.0.0.1:1")});
    say(first_, group, "127.0.0.1:2", addition());
    die_in(plans_);
    say(first_, group, "127.0.0.1:3", addition());
    EXPECT_EQ(peers_of(second_, group), "127.0.0.1:1*1 127.0.0.1:2*1 127.0.0.1:3*1 ");
}

TEST_F(PeerPlanTest, many_processes_write_and_all_is_there) {
    auto group = group_of({server("127.0.0.1:1")});
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
        Life life = lives_.begin();
        pid_t child = fork();
        if (child == 0) {
            WorkerPeers worker(lives_, life);
            bool is_well = true;
            for (int n = 0; n < 25; ++n) {
                std::string name = "10.0." + std::to_string(i) + "." + std::to_string(n) + ":80";
                is_well = is_well && worker.change(group, name, addition());
                if (n % 2 == 0) is_well = is_well && worker.change(group, name, removal);
            }
            _exit(is_well ? 0 : 1);
        }
        children.push_back(child);
    }
    for (pid_t child : children) {
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(first_.roster(group)->peers().size(), 1u + 4 * 12);
}

TEST_F(PeerPlanTest, watchers_learn_of_it) {
    auto group = group_of({server("127.0.0.1:1")});
    (void)second_.roster(group);
    int times = 0;
    second_.watch([&](const std::shared_ptr<const PeerGroup>& of) { times += of == group; });
    say(first_, group, "127.0.0.1:2", addition());
    EXPECT_EQ(times, 0);
    (void)second_.roster(group);
    (void)second_.roster(group);
    EXPECT_EQ(times, 1);
    say(second_, group, "127.0.0.1:2", removal);
    EXPECT_EQ(times, 2);
}

TEST(PeerPlan, is_made_of_bytes_and_back_again) {
    PeerGroup group;
    PeerPlan plan;
    EXPECT_EQ(plan.encode(), "");
    plan.say(group, {}, "127.0.0.1:2",
             {.kind = added, .given = PeerChange::all, .rules = {.weight = 3}, .is_backup = true, .bound_to = "b"});
    plan.say(group, {}, "127.0.0.1:1", addition());
    plan.say(group, {}, "unix:/a b", removal);
    PeerPlan again = PeerPlan::decode(plan.encode());
    EXPECT_EQ(again.encode(), plan.encode());
    PeerGroup made = again.applied_to(group, {});
    ASSERT_EQ(made.servers.size(), 2u);
    EXPECT_EQ(made.servers[0].name, "127.0.0.1:2") << "in the order in which they were added";
    EXPECT_EQ(made.servers[0].rules.weight, 3u);
    EXPECT_TRUE(made.servers[0].backup);
    EXPECT_EQ(made.servers[0].route, "b");
    EXPECT_TRUE(made.servers[0].added);
    EXPECT_EQ(made.servers[1].name, "127.0.0.1:1");
}

}  // namespace
}  // namespace ringx

// t/unit/net/peer_records_test.cc - states of peers in a zone: shared by workers, and sound after any of them has died.
//
// A worker here is an object with a life of its own; one dies in the zone as a child of this process that leaves while
// it holds the lock.
#include "net/peer_records.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "net/peers.h"

namespace ringx {
namespace {

constexpr uint64_t now = 1'000'000;

PeerServer server(std::string name, PeerRules rules = {}) {
    PeerServer made;
    made.name = std::move(name);
    made.rules = rules;
    made.addresses = {*Address::parse(made.name, 0)};
    return made;
}

class PeerRecordTest : public testing::Test {
 protected:
    std::shared_ptr<PeerGroup> group_of(std::vector<PeerServer> servers, size_t zone_bytes = SharedZone::bytes_min) {
        if (zone_->memory == nullptr) zone_->memory = *SharedZone::create("test", zone_bytes);
        auto group = std::make_shared<PeerGroup>();
        group->name = "backend";
        group->servers = std::move(servers);
        group->zone = zone_;
        group->complete();
        return group;
    }
    static PeerState state_in(WorkerPeers& worker, const std::shared_ptr<PeerGroup>& group, size_t peer,
                              uint64_t now_ms = now) {
        return worker.roster(group)->state(peer, now_ms);
    }
    static void fail_once(WorkerPeers& worker, const std::shared_ptr<PeerGroup>& group) {
        PeerChoice choice(worker.roster(group));
        ASSERT_NE(choice.next(now), nullptr);
        (void)choice.done({.failed = true}, now);
    }
    void die_in_the_zone() {
        pid_t child = fork();
        if (child == 0) {
            SharedZone::Lock lock(*zone_->memory);
            _exit(0);
        }
        ASSERT_EQ(waitpid(child, nullptr, 0), child);
    }

    Lives lives_;
    Life first_life_ = lives_.begin(), second_life_ = lives_.begin();
    std::shared_ptr<NamedZone> zone_ = std::make_shared<NamedZone>();
    WorkerPeers first_{lives_, first_life_}, second_{lives_, second_life_};
};

TEST_F(PeerRecordTest, workers_see_each_others_connections_and_failures) {
    auto group = group_of({server("127.0.0.1:1"), server("127.0.0.1:2")});
    PeerChoice choice(first_.roster(group));
    EXPECT_EQ(choice.next(now)->address.port(), 1);
    EXPECT_EQ(state_in(second_, group, 0).connections, 1u);
    fail_once(second_, group);
    EXPECT_EQ(state_in(first_, group, 1).fails, 1u);
    EXPECT_EQ(state_in(first_, group, 1).connections, 0u);
    (void)choice.done({}, now);
    EXPECT_EQ(state_in(second_, group, 0).connections, 0u);
    EXPECT_EQ(state_in(second_, group, 0).requests, 1u);
}

TEST_F(PeerRecordTest, the_turn_goes_on_from_worker_to_worker) {
    auto group = group_of({server("127.0.0.1:1"), server("127.0.0.1:2"), server("127.0.0.1:3")});
    std::string ports;
    for (int i = 0; i < 6; ++i) {
        PeerChoice choice((i % 2 == 0 ? first_ : second_).roster(group));
        ports += std::to_string(choice.next(now)->address.port());
    }
    EXPECT_EQ(ports, "123123");
}

TEST_F(PeerRecordTest, connections_of_a_worker_that_died_are_taken_out) {
    auto group = group_of({server("127.0.0.1:1", {.max_conns = 2})});
    group->time.inflight = true;
    PeerChoice other(first_.roster(group));
    ASSERT_NE(other.next(now), nullptr);
    pid_t child = fork();
    if (child == 0) {
        PeerChoice lost(second_.roster(group));
        _exit(lost.next(now) != nullptr ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    EXPECT_EQ(state_in(first_, group, 0).waiting, 2u);
    PeerChoice third(first_.roster(group));
    EXPECT_EQ(third.next(now), nullptr) << "no connection is left";
    lives_.end(second_life_);
    EXPECT_EQ(state_in(first_, group, 0, now + 1000).connections, 1u);
    EXPECT_EQ(state_in(first_, group, 0, now + 1000).waiting, 1u);
    EXPECT_NE(third.next(now + 1000), nullptr);
}

TEST_F(PeerRecordTest, what_workers_hold_is_there_again_after_the_zone_was_emptied) {
    auto group = group_of({server("127.0.0.1:1"), server("127.0.0.1:2")});
    PeerChoice ours(first_.roster(group)), theirs(second_.roster(group));
    EXPECT_EQ(ours.next(now)->address.port(), 1);
    EXPECT_EQ(theirs.next(now)->address.port(), 2);
    EXPECT_FALSE(first_.roster(group)->take_news().repaired);
    die_in_the_zone();
    EXPECT_EQ(state_in(first_, group, 0).connections, 1u);
    EXPECT_TRUE(first_.roster(group)->take_news().repaired);
    EXPECT_FALSE(first_.roster(group)->take_news().repaired) << "it is told once";
    EXPECT_EQ(state_in(first_, group, 0).effective_weight, 1);
    (void)theirs.done({}, now);
    EXPECT_EQ(state_in(second_, group, 0).connections, 1u);
    EXPECT_EQ(state_in(second_, group, 1).connections, 0u);
    (void)ours.done({.failed = true}, now);
    EXPECT_EQ(state_in(second_, group, 0).connections, 0u);
    EXPECT_EQ(state_in(second_, group, 0).fails, 1u);
}

TEST_F(PeerRecordTest, a_changed_list_of_servers_keeps_what_is_known_of_those_that_stay) {
    auto group = group_of({server("127.0.0.1:1"), server("127.0.0.1:2")});
    fail_once(first_, group);
    auto changed = group_of({server("127.0.0.1:3"), server("127.0.0.1:1", {.weight = 5})});
    EXPECT_EQ(state_in(first_, changed, 1).fails, 1u);
    EXPECT_EQ(state_in(second_, changed, 1).fails, 1u);
    EXPECT_EQ(state_in(second_, changed, 0).fails, 0u);
    group.reset();
    // In a worker that never knew the first one, and after nobody had it for a while.
    auto without = group_of({server("127.0.0.1:2")});
    changed.reset();
    EXPECT_EQ(state_in(first_, without, 0).fails, 0u);
    EXPECT_EQ(state_in(second_, without, 0).fails, 0u);
    auto again = group_of({server("127.0.0.1:1")});
    EXPECT_EQ(state_in(second_, again, 0).fails, 1u);
}

TEST_F(PeerRecordTest, servers_that_nobody_has_make_room_for_new_ones) {
    for (int i = 1; i < 2000; ++i) {
        auto group = group_of({server("127.0.0.1:" + std::to_string(i)), server("127.0.0.1:9999")});
        if (i == 1) fail_once(first_, group);
        for (WorkerPeers* worker : {&first_, &second_}) {
            (void)state_in(*worker, group, 0);
            ASSERT_FALSE(worker->roster(group)->take_news().full) << i;
        }
    }
}

TEST_F(PeerRecordTest, a_worker_counts_alone_where_the_zone_has_no_room) {
    std::vector<PeerServer> many;
    for (int i = 1; i < 1000; ++i) many.push_back(server("127.0.0.1:" + std::to_string(i)));
    auto group = group_of(many);
    PeerChoice choice(first_.roster(group));
    const Peer* peer = choice.next(now);
    ASSERT_NE(peer, nullptr);
    EXPECT_TRUE(first_.roster(group)->take_news().full);
    EXPECT_EQ(state_in(first_, group, 998).connections, 0u);
    std::vector<std::unique_ptr<PeerChoice>> all;
    for (int i = 1; i < 999; ++i) {
        all.push_back(std::make_unique<PeerChoice>(first_.roster(group)));
        ASSERT_NE(all.back()->next(now), nullptr);
    }
    for (size_t i = 0; i < 999; ++i) EXPECT_EQ(state_in(first_, group, i).connections, 1u) << i;
    die_in_the_zone();
    for (size_t i = 0; i < 999; ++i) EXPECT_EQ(state_in(first_, group, i).connections, 1u) << i;
    all.clear();
    (void)choice.done({}, now);
    for (size_t i = 0; i < 999; ++i) EXPECT_EQ(state_in(first_, group, i).connections, 0u) << i;
}

TEST_F(PeerRecordTest, a_health_check_speaks_for_all_workers) {
    auto group = group_of({server("127.0.0.1:1"), server("127.0.0.1:2")});
    first_.use_checks(group, {.all = 1, .mandatory = 0});
    second_.use_checks(group, {.all = 1, .mandatory = 0});
    first_.roster(group)->set_healthy(0, false, now);
    PeerChoice choice(second_.roster(group));
    EXPECT_EQ(choice.next(now)->address.port(), 2);
    first_.roster(group)->set_healthy(0, true, now + 5);
    EXPECT_EQ(state_in(second_, group, 0).back_ms, now + 5);
    EXPECT_EQ(state_in(second_, group, 0).unhealthy, 0u);
}

TEST_F(PeerRecordTest, one_health_check_that_fails_is_enough) {
    auto group = group_of({server("127.0.0.1:1")});
    first_.use_checks(group, {.all = 0b11, .mandatory = 0});
    auto roster = first_.roster(group);
    EXPECT_TRUE(roster->set_healthy(0, false, now, 0));
    EXPECT_FALSE(roster->set_healthy(0, false, now, 1));
    EXPECT_FALSE(roster->set_healthy(0, true, now, 0));
    EXPECT_EQ(roster->state(0, now).unhealthy, 0b10u);
    EXPECT_TRUE(roster->set_healthy(0, true, now, 1));
}

TEST_F(PeerRecordTest, a_peer_that_has_to_be_checked_first_is_not_asked_before_not_even_in_an_emptied_zone) {
    auto group = group_of({server("127.0.0.1:1")});
    first_.use_checks(group, {.all = 1, .mandatory = 1});
    second_.use_checks(group, {.all = 1, .mandatory = 1});
    EXPECT_EQ(PeerChoice(first_.roster(group)).next(now), nullptr);
    EXPECT_TRUE(second_.roster(group)->set_healthy(0, true, now));
    EXPECT_NE(PeerChoice(first_.roster(group)).next(now), nullptr);
    die_in_the_zone();
    EXPECT_EQ(PeerChoice(first_.roster(group)).next(now), nullptr);
    EXPECT_TRUE(second_.roster(group)->set_healthy(0, true, now));
    second_.roster(group)->forget_check(0, 0, now);
    EXPECT_EQ(PeerChoice(first_.roster(group)).next(now), nullptr);
}

TEST_F(PeerRecordTest, checks_that_are_no_longer_made_say_nothing) {
    auto group = group_of({server("127.0.0.1:1")});
    first_.use_checks(group, {.all = 0b11, .mandatory = 0b10});
    first_.roster(group)->set_healthy(0, false, now, 0);
    EXPECT_EQ(state_in(first_, group, 0).unhealthy, 0b11u);
    auto next = group_of({server("127.0.0.1:1")});
    first_.use_checks(next, {.all = 0b10, .mandatory = 0b10});
    EXPECT_EQ(state_in(first_, next, 0).unhealthy, 0b10u);
    EXPECT_EQ(state_in(first_, group_of({server("127.0.0.1:1")}), 0).unhealthy, 0u);
}

TEST_F(PeerRecordTest, one_worker_checks_until_it_dies_or_gives_it_up) {
    auto group = group_of({server("127.0.0.1:1")});
    auto one = first_.roster(group), other = second_.roster(group);
    EXPECT_TRUE(one->take_turn(0, now));
    EXPECT_TRUE(one->take_turn(0, now));
    EXPECT_FALSE(other->take_turn(0, now));
    other->give_up_turn(0, now);
    EXPECT_FALSE(other->take_turn(0, now));
    one->give_up_turn(0, now);
    EXPECT_TRUE(other->take_turn(0, now));
    EXPECT_FALSE(one->take_turn(0, now));
}

}  // namespace
}  // namespace ringx

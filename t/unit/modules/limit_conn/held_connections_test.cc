// t/unit/modules/limit_conn/held_connections_test.cc - counts of several workers in one zone, and of those that die.
//
// Workers are objects with a life of their own, or processes where one has to die in the midst of it.
#include "modules/limit_conn/held_connections.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringx::http {
namespace {

using Outcome = HeldConnections::Outcome;

class HeldConnectionsTest : public testing::Test {
 protected:
    HeldConnections worker() { return HeldConnections(lives, lives.begin()); }
    Outcome take(HeldConnections& of, Arena& arena, std::string_view key, uint64_t max) {
        return of.take(arena, zone, key, max).outcome;
    }
    // How many of that key are held, by all: what a limit would have to be to be reached.
    uint64_t held(std::string_view key) {
        HeldConnections asker = worker();
        for (uint64_t max = 1;; ++max) {
            Arena arena;
            if (take(asker, arena, key, max) == Outcome::held) return max - 1;
        }
    }

    Lives lives;
    std::shared_ptr<SharedZone> zone = *SharedZone::create("test", SharedZone::bytes_min);
};

TEST_F(HeldConnectionsTest, are_counted_over_all_workers_and_given_back) {
    HeldConnections one = worker(), two = worker();
    Arena first, second, third;
    EXPECT_EQ(take(one, first, "key", 2), Outcome::held);
    EXPECT_EQ(take(two, second, "key", 2), Outcome::held);
    EXPECT_EQ(take(one, third, "key", 2), Outcome::limit_reached);
    EXPECT_EQ(take(one, third, "other", 1), Outcome::held);
    EXPECT_EQ(held("key"), 2u);
    first.reset();
    EXPECT_EQ(held("key"), 1u);
    second.reset();
    EXPECT_EQ(held("key"), 0u);
    EXPECT_EQ(held("other"), 1u);
    third.reset();
    SharedZone::Lock lock(*zone);
    EXPECT_EQ(SharedTable<uint64_t>(lock).size(), 0u);
}

TEST_F(HeldConnectionsTest, are_given_back_before_the_request_ends) {
    HeldConnections one = worker();
    Arena arena;
    auto taken = one.take(arena, zone, "key", 1);
    taken.held->give_back();
    EXPECT_EQ(held("key"), 0u);
    taken.held->give_back();
    arena.reset();
    EXPECT_EQ(held("key"), 0u);
}

TEST_F(HeldConnectionsTest, may_outlast_their_request) {
    HeldConnections one = worker();
    Arena arena;
    auto taken = one.take(arena, zone, "key", 1);
    std::string key(taken.held->key());
    {
        HeldConnection kept(*taken.held, key);
        arena.reset();
        EXPECT_EQ(held("key"), 1u);
    }
    EXPECT_EQ(held("key"), 0u);
    taken = one.take(arena, zone, "key", 1);
    taken.held->give_back();
    HeldConnection nothing(*taken.held, key);
    EXPECT_EQ(held("key"), 0u);
}

TEST_F(HeldConnectionsTest, of_a_dead_worker_count_no_more) {
    Life life = lives.begin();
    HeldConnections dead(lives, life), living = worker();
    Arena first, second;
    EXPECT_EQ(take(dead, first, "key", 5), Outcome::held);
    EXPECT_EQ(take(dead, first, "key", 5), Outcome::held);
    EXPECT_EQ(take(living, second, "key", 5), Outcome::held);
    EXPECT_EQ(held("key"), 3u);
    lives.end(life);
    EXPECT_EQ(held("key"), 1u);
    first.reset();  // a process would not have come to this; it takes nothing from the others
    EXPECT_EQ(held("key"), 1u);
}

TEST_F(HeldConnectionsTest, are_counted_again_when_somebody_died_in_the_zone) {
    HeldConnections one = worker();
    Arena first, second;
    EXPECT_EQ(take(one, first, "key", 5), Outcome::held);
    EXPECT_EQ(take(one, second, "key", 5), Outcome::held);
    pid_t child = fork();
    if (child == 0) {
        SharedZone::Lock lock(*zone);
        kill(getpid(), SIGKILL);
    }
    waitpid(child, nullptr, 0);
    Arena third;
    auto taken = one.take(third, zone, "key", 5);
    EXPECT_TRUE(taken.repaired);
    EXPECT_EQ(taken.outcome, Outcome::held);
    EXPECT_EQ(held("key"), 3u);
    for (Arena* arena : {&first, &second, &third}) arena->reset();
    EXPECT_EQ(held("key"), 0u);
}

TEST_F(HeldConnectionsTest, find_a_full_zone_only_when_all_of_it_is_held) {
    Life life = lives.begin();
    HeldConnections dead(lives, life), living = worker();
    Arena arena, other;
    int count = 0;
    while (take(dead, arena, "key " + std::to_string(count), 1) == Outcome::held) ++count;
    EXPECT_GT(count, 50);
    EXPECT_EQ(take(living, other, "another", 1), Outcome::zone_full);
    lives.end(life);
    EXPECT_EQ(take(living, other, "another", 1), Outcome::held);
    EXPECT_EQ(held("another"), 1u);
}

}  // namespace
}  // namespace ringx::http

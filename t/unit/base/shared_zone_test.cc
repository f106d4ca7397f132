// t/unit/base/shared_zone_test.cc - memory that processes share, and what is left when one dies in the midst of it.
//
// Children are forked and killed at random moments while they hold the lock or not: whoever comes next must find a zone
// that works, with its content or without.
#include "base/shared_zone.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include "base/lives.h"
#include "base/shared_table.h"

namespace ringx {
namespace {

struct Count {
    uint64_t times;
    uint64_t again;
};

std::shared_ptr<SharedZone> make_zone(size_t bytes = 128 * 1024) { return *SharedZone::create("test", bytes); }

pid_t in_child(auto body) {
    pid_t pid = fork();
    if (pid == 0) {
        body();
        _exit(0);
    }
    return pid;
}

TEST(SharedZone, is_seen_by_others_wherever_they_map_it) {
    auto zone = make_zone();
    auto other = SharedZone::attach(Fd(dup(zone->fd())));
    ASSERT_TRUE(other);
    EXPECT_TRUE((*other)->is(zone->fd()));
    EXPECT_FALSE((*other)->is(make_zone()->fd()));
    EXPECT_EQ((*other)->bytes(), zone->bytes());
    {
        SharedZone::Lock lock(*zone);
        SharedTable<Count> table(lock);
        table.insert("key")->times = 7;
    }
    SharedZone::Lock lock(**other);
    SharedTable<Count> table(lock);
    ASSERT_NE(table.find("key"), nullptr);
    EXPECT_EQ(table.find("key")->times, 7u);
}

TEST(SharedZone, cannot_be_cut_short) {
    auto zone = make_zone();
    EXPECT_NE(ftruncate(zone->fd(), 4096), 0);
}

TEST(SharedZone, counts_of_several_processes_add_up) {
    auto zone = make_zone();
    auto count = [&] {
        for (int i = 0; i < 5000; ++i) {
            SharedZone::Lock lock(*zone);
            SharedTable<Count> table(lock);
            Count* found = table.find("key");
            if (found == nullptr) found = table.insert("key");
            ++found->times;
        }
    };
    pid_t children[] = {in_child(count), in_child(count), in_child(count)};
    for (pid_t child : children) waitpid(child, nullptr, 0);
    SharedZone::Lock lock(*zone);
    EXPECT_EQ(SharedTable<Count>(lock).find("key")->times, 15'000u);
    EXPECT_EQ(lock.emptied(), 0u);
}

TEST(SharedZone, is_emptied_when_its_holder_dies) {
    auto zone = make_zone();
    pid_t child = in_child([&] {
        SharedZone::Lock lock(*zone);
        SharedTable<Count> table(lock);
        table.insert("key");
        kill(getpid(), SIGKILL);
    });
    waitpid(child, nullptr, 0);
    for (int i = 0; i < 2; ++i) {
        SharedZone::Lock lock(*zone);
        EXPECT_EQ(lock.repaired(), i == 0);
        EXPECT_EQ(lock.emptied(), 1u);
        EXPECT_EQ(lock.root(), i == 0 ? 0u : lock.root());
        SharedTable<Count> table(lock);
        EXPECT_EQ(table.find("key"), nullptr);
        EXPECT_EQ(table.size(), 0u);
    }
}

TEST(SharedZone, keeps_its_content_when_somebody_dies_outside) {
    auto zone = make_zone();
    pid_t child = in_child([&] {
        {
            SharedZone::Lock lock(*zone);
            SharedTable<Count>(lock).insert("key")->times = 1;
        }
        kill(getpid(), SIGKILL);
    });
    waitpid(child, nullptr, 0);
    SharedZone::Lock lock(*zone);
    EXPECT_FALSE(lock.repaired());
    EXPECT_NE(SharedTable<Count>(lock).find("key"), nullptr);
}

// Inserts and removes until it is killed. Both numbers of an entry are equal whenever the lock is free.
void churn(SharedZone& zone, std::atomic<uint32_t>& turns) {
    std::mt19937 random(static_cast<unsigned>(getpid()));
    for (;;) {
        SharedZone::Lock lock(zone);
        SharedTable<Count> table(lock);
        std::string key = std::to_string(random() % 300) + std::string(random() % 200, 'x');
        Count* entry = table.find(key);
        if (entry == nullptr) {
            while ((entry = table.insert(key)) == nullptr) table.remove(*table.oldest());
        }
        entry->again = ++entry->times;
        if (random() % 4 == 0) table.remove(*entry);
        turns.fetch_add(1, std::memory_order_relaxed);
    }
}

TEST(SharedZone, works_after_a_death_at_any_instant) {
    auto zone = make_zone(SharedZone::bytes_min);
    auto* turns = static_cast<std::atomic<uint32_t>*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    std::mt19937 random(7);
    uint32_t repairs = 0;
    for (int round = 0; round < 150; ++round) {
        uint32_t until = turns->load() + 1 + random() % 50;
        pid_t child = in_child([&] { churn(*zone, *turns); });
        while (turns->load() < until) sched_yield();
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        SharedZone::Lock lock(*zone);
        repairs += lock.repaired();
        SharedTable<Count> table(lock);
        size_t left = table.size();
        while (Count* entry = table.oldest()) {
            ASSERT_EQ(entry->times, entry->again);
            table.remove(*entry);
            --left;
        }
        ASSERT_EQ(left, 0u);
    }
    EXPECT_GT(repairs, 0u);  // else nobody ever died with the lock
    munmap(turns, 4096);
}

TEST(SharedZone, is_emptied_when_somebody_wants_it_to_be) {
    auto zone = make_zone();
    SharedZone::Lock lock(*zone);
    size_t free = lock.free_bytes();
    EXPECT_EQ(SharedTableBase::entries(lock), 0u);
    EXPECT_EQ(lock.root(), 0u);  // counting makes no table
    {
        SharedTable<Count> table(lock);
        for (int i = 0; i < 100; ++i) table.insert(std::to_string(i));
    }
    EXPECT_EQ(SharedTableBase::entries(lock), 100u);
    lock.empty();
    EXPECT_EQ(lock.emptied(), 1u);
    EXPECT_FALSE(lock.repaired());
    EXPECT_EQ(lock.free_bytes(), free);
    EXPECT_EQ(SharedTableBase::entries(lock), 0u);
    EXPECT_EQ(SharedTable<Count>(lock).find("1"), nullptr);
}

TEST(SharedTable, the_oldest_is_the_one_not_used_for_longest) {
    auto zone = make_zone();
    SharedZone::Lock lock(*zone);
    SharedTable<Count> table(lock);
    EXPECT_EQ(table.oldest(), nullptr);
    for (uint64_t i = 1; i <= 3; ++i) table.insert(std::to_string(i))->times = i;
    EXPECT_EQ(table.oldest()->times, 1u);
    EXPECT_NE(table.find("1"), nullptr);
    EXPECT_EQ(table.oldest()->times, 2u);
    table.remove(*table.find("3"));
    EXPECT_EQ(table.size(), 2u);
    EXPECT_EQ(table.find("3"), nullptr);
    table.remove(*table.oldest());
    EXPECT_EQ(table.oldest()->times, 1u);
}

TEST(SharedTable, a_full_zone_refuses_until_something_goes) {
    auto zone = make_zone(SharedZone::bytes_min);
    SharedZone::Lock lock(*zone);
    SharedTable<Count> table(lock);
    int count = 0;
    while (table.insert("key " + std::to_string(count)) != nullptr) ++count;
    EXPECT_GT(count, 200);
    for (int i = 0; i < count; ++i) EXPECT_NE(table.find("key " + std::to_string(i)), nullptr);
    table.remove(*table.oldest());
    EXPECT_NE(table.insert("another"), nullptr);
    EXPECT_EQ(table.find("key 0"), nullptr);
}

TEST(SharedTable, keys_may_be_empty_long_and_binary) {
    auto zone = make_zone(512 * 1024);
    SharedZone::Lock lock(*zone);
    SharedTable<Count> table(lock);
    std::string keys[] = {"", std::string("\0", 1), std::string(65535, 'k'), std::string("\0a", 2)};
    for (auto& key : keys) ASSERT_NE(table.insert(key), nullptr);
    for (auto& key : keys) EXPECT_NE(table.find(key), nullptr);
    EXPECT_EQ(table.size(), 4u);
}

TEST(Lives, end_and_never_come_back) {
    Lives lives;
    Life one = lives.begin(), two = lives.begin();
    EXPECT_TRUE(lives.has(one) && lives.has(two));
    EXPECT_FALSE(lives.has(Life{}));
    lives.end(one);
    EXPECT_FALSE(lives.has(one));
    Life three = lives.begin();
    EXPECT_EQ(three.slot, one.slot);
    EXPECT_FALSE(lives.has(one));
    EXPECT_TRUE(lives.has(three));
}

TEST(Lives, are_seen_by_children) {
    Lives lives;
    Life life = lives.begin();
    pid_t child = in_child([&] {
        while (lives.has(life)) sched_yield();
    });
    lives.end(life);
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
}

// Computed with the reference implementation's parameters 1 and 3.
TEST(Siphash, depends_on_every_byte_and_on_the_seed) {
    HashSeed seed{{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    EXPECT_EQ(siphash(seed, ""), 0xabac0158050fc4dcu);
    EXPECT_EQ(siphash(seed, std::string_view("\0", 1)), 0xc9f49bf37d57ca93u);
    std::string text(40, 'a');
    uint64_t whole = siphash(seed, text);
    for (char& c : text) {
        c = 'b';
        EXPECT_NE(siphash(seed, text), whole);
        c = 'a';
    }
    EXPECT_NE(siphash(HashSeed::random(), text), siphash(HashSeed::random(), text));
}

}  // namespace
}  // namespace ringx

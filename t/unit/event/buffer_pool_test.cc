// t/unit/event/buffer_pool_test.cc - buffers, leases and queues of leases.
//
// What is not lent must be unreadable under ASan: one client's bytes shown to another would be the worst of our bugs.
#include "event/buffer_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <utility>
#include <vector>

namespace ringx {
namespace {

Lease lend_text(BufferPool& pool, std::string_view text) {
    int32_t buffer = pool.take();
    EXPECT_GE(buffer, 0);
    pool.lend(buffer, text.size());
    memcpy(pool.memory(buffer), text.data(), text.size());
    return Lease(pool, buffer, static_cast<uint32_t>(text.size()));
}

TEST(BufferPool, gives_each_buffer_once) {
    BufferPool pool(5, 100);
    EXPECT_EQ(pool.bytes(), 104u);
    std::set<int32_t> taken;
    for (uint32_t i = 0; i < pool.count(); ++i) taken.insert(pool.take());
    EXPECT_EQ(taken.size(), 5u);
    EXPECT_EQ(pool.take(), -1);
    EXPECT_EQ(pool.available(), 0u);
    for (int32_t buffer : taken) pool.give_back(buffer);
    EXPECT_EQ(pool.available(), 5u);
}

TEST(BufferPool, uses_the_same_few_again) {
    BufferPool pool(1000, 64);
    int32_t buffer = pool.take();
    for (int i = 0; i < 10; ++i) {
        pool.give_back(buffer);
        EXPECT_EQ(pool.take(), buffer);
    }
    pool.give_back(buffer);
}

TEST(BufferPool, gives_the_memory_of_free_buffers_back) {
    auto page = static_cast<uint32_t>(getpagesize());
    BufferPool pool(4, page);
    int32_t kept = pool.take();
    int32_t freed = pool.take();
    pool.lend(kept, page);
    memset(pool.memory(kept), 'x', page);
    for (int time = 0; time < 3; ++time) {
        pool.lend(freed, page);
        memset(pool.memory(freed), 'x', page);
        pool.give_back(freed);
        pool.trim();
        EXPECT_EQ(std::string_view(pool.memory(kept), page), std::string(page, 'x'));
        ASSERT_EQ(pool.take(), freed);
        pool.lend(freed, page);
        EXPECT_EQ(std::string_view(pool.memory(freed), page), std::string(page, '\0'));
    }
}

TEST(Lease, gives_its_buffer_back_once) {
    BufferPool pool(2, 64);
    {
        Lease first = lend_text(pool, "first");
        Lease moved = std::move(first);
        EXPECT_EQ(moved.view(), "first");
        EXPECT_TRUE(first.empty());
        EXPECT_EQ(first.view(), "");
        EXPECT_EQ(pool.available(), 1u);
        Lease second = lend_text(pool, "second");
        EXPECT_EQ(pool.available(), 0u);
        second = std::move(moved);
        EXPECT_EQ(pool.available(), 1u);
        EXPECT_EQ(second.view(), "first");
        second.release();
        EXPECT_EQ(pool.available(), 2u);
    }
    EXPECT_EQ(pool.available(), 2u);
}

TEST(LeaseQueue, is_first_in_first_out) {
    BufferPool pool(8, 64);
    LeaseQueue queue;
    LeaseQueue other;
    unsigned in = 0;
    unsigned out = 0;
    for (int round = 0; round < 100; ++round) {
        while (pool.available() > 0) {
            int32_t buffer = pool.take();
            pool.lend(buffer, 1);
            pool.memory(buffer)[0] = static_cast<char>(in);
            (in % 2 == 0 ? queue : other).push(pool, buffer, 1);
            ++in;
        }
        while (pool.available() < 3 + static_cast<unsigned>(round) % 6) {
            Lease lease = (out % 2 == 0 ? queue : other).pop(pool);
            ASSERT_EQ(lease.view()[0], static_cast<char>(out));
            ++out;
        }
    }
    while (queue.count() > 0) queue.pop(pool);
    while (other.count() > 0) other.pop(pool);
    EXPECT_EQ(pool.available(), 8u);
}

TEST(BufferPoolDeathTest, a_buffer_is_not_given_back_twice) {
    BufferPool pool(2, 64);
    int32_t buffer = pool.take();
    pool.give_back(buffer);
    EXPECT_DEATH(pool.give_back(buffer), "taken");
}

#if defined(__SANITIZE_ADDRESS__)
TEST(BufferPoolDeathTest, what_is_not_lent_cannot_be_read) {
    BufferPool pool(2, 64);
    Lease lease = lend_text(pool, "12345678");
    const char* bytes = lease.view().data();
    EXPECT_DEATH(EXPECT_EQ(static_cast<const volatile char*>(bytes)[8], 0), "use-after-poison");
    lease.release();
    EXPECT_DEATH(EXPECT_EQ(static_cast<const volatile char*>(bytes)[0], 0), "use-after-poison");
}
#endif

}  // namespace
}  // namespace ringx

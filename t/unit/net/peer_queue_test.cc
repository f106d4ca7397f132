// net/peer_queue_test.cc - who waits for a peer is called in order, and leaves when he wants to.
//
// There are no peers here: whether there is room for one more is what those who wait have to find out. What they do is
// written in their number of calls.
#include "net/peer_queue.h"

#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <string>

#include "event/task.h"
#include "t/unit/event/scripted_engine.h"

namespace ringx {
namespace {

constexpr uint64_t hour_ms = 3600'000;

class PeerQueueTest : public testing::Test {
 protected:
    // Somebody who waits until he has been called `calls_wanted` times, it is late, or he is told to stop.
    struct Waiting {
        Waiting(Loop& loop, PeerQueue& queue, uint64_t until_ms, size_t calls)
            : wait(std::make_unique<PeerWait>(loop, queue, until_ms)), calls_wanted(calls) {}
        std::unique_ptr<PeerWait> wait;
        size_t calls_wanted;
        size_t calls = 0;
        bool stops = false;
        Task<void> task;
    };

    PeerQueueTest() { loop.open(std::make_unique<ScriptedEngine>(loop)); }
    ~PeerQueueTest() override {
        for (Waiting& one : all) stop(one);
        turns();
    }

    Waiting& enter(uint64_t limit_ms = hour_ms, size_t calls = 1) {
        Waiting& one = all.emplace_back(loop, queue, loop.clock().now_ms() + limit_ms, calls);
        one.task = wait_for_calls(one);
        return one;
    }
    static Task<void> wait_for_calls(Waiting& one) {
        while (one.calls < one.calls_wanted && !one.stops && !one.wait->is_late()) {
            PeerWait& wait = *one.wait;
            co_await wait;
            ++one.calls;
        }
        one.wait.reset();
    }
    static void stop(Waiting& one) {
        one.stops = true;
        if (one.wait != nullptr) one.wait->cancel();
    }
    // Without waiting for a timer.
    void turns() {
        for (int i = 0; i < 5; ++i) loop.turn(0);
    }
    std::string left() const {
        std::string text;
        for (const Waiting& one : all) text += one.wait == nullptr ? '-' : 'w';
        return text;
    }

    Loop loop;
    PeerQueue queue;
    std::list<Waiting> all;
};

TEST_F(PeerQueueTest, the_first_is_called_at_the_end_of_the_turn) {
    Waiting& first = enter(hour_ms, 2);
    enter();
    EXPECT_EQ(queue.size(), 2u);
    queue.call_first();
    queue.call_first();
    EXPECT_EQ(first.calls, 0u);
    loop.turn(0);
    EXPECT_EQ(first.calls, 1u);
    EXPECT_EQ(left(), "ww");
}

// There may be room for two, and whoever gave it has called once.
TEST_F(PeerQueueTest, who_leaves_calls_the_next) {
    for (int i = 0; i < 3; ++i) enter();
    enter(hour_ms, 2);
    queue.call_first();
    turns();
    EXPECT_EQ(left(), "---w");
    EXPECT_EQ(all.back().calls, 1u);
}

TEST_F(PeerQueueTest, who_leaves_from_behind_calls_nobody) {
    Waiting& first = enter();
    Waiting& second = enter();
    Waiting& third = enter();
    stop(second);
    turns();
    EXPECT_EQ(left(), "w-w");
    EXPECT_EQ(first.calls + third.calls, 0u);
    EXPECT_EQ(queue.size(), 2u);
}

TEST_F(PeerQueueTest, a_call_is_not_lost_when_the_first_leaves_before_it) {
    enter();
    enter();
    queue.call_first();
    stop(all.front());
    turns();
    EXPECT_EQ(left(), "--");
    EXPECT_TRUE(queue.empty());
}

TEST_F(PeerQueueTest, nobody_waits_who_was_told_to_stop_before) {
    PeerWait wait(loop, queue, hour_ms);
    wait.cancel();
    EXPECT_TRUE(wait.await_ready());
}

TEST_F(PeerQueueTest, the_first_looks_again_by_itself_and_nobody_else) {
    uint64_t since_ms = loop.clock().now_ms();
    Waiting& first = enter(hour_ms, 2);
    Waiting& second = enter(hour_ms, 2);
    while (first.wait != nullptr && loop.clock().now_ms() < since_ms + 10'000) loop.turn(100);
    EXPECT_EQ(left(), "-w");
    EXPECT_GE(loop.clock().now_ms() - since_ms, 2 * PeerWait::look_again_ms);
    EXPECT_EQ(second.calls, 1u);  // by the first, as it left
}

TEST_F(PeerQueueTest, nobody_waits_for_longer_than_he_wants_to) {
    uint64_t since_ms = loop.clock().now_ms();
    enter(hour_ms, 1000);
    Waiting& second = enter(20, 1000);
    while (second.wait != nullptr && loop.clock().now_ms() < since_ms + 10'000) loop.turn(100);
    EXPECT_EQ(left(), "w-");
    EXPECT_EQ(second.calls, 1u);
    EXPECT_GE(loop.clock().now_ms() - since_ms, 20u);
}

}  // namespace
}  // namespace ringx

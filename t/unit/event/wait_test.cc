// t/unit/event/wait_test.cc - waits for one thing: an operation, a while, a thread, a gate. On both engines.
//
// Each wait is left in every way it can be: by success, by time, by cancel, and at each moment in between.
#include "event/wait.h"

#include <gtest/gtest.h>

#include <string>

#include "event/task.h"
#include "t/unit/event/both_engines.h"

namespace ringx {
namespace {

using engine_test::engine_name;
using engine_test::pattern;
using engine_test::receive_all;
using engine_test::send_all;
using Kind = Operation::Kind;

class WaitTest : public engine_test::BothEngines {};

struct Ended {
    Result<int> result;
    std::string text;
    bool over = false;
};

Task<> await(Wait& wait, Ended& ended) {
    ended.result = co_await wait;
    if (ended.result && wait.kind == Kind::receive) {
        Lease lease = wait.lease();
        ended.text = lease.view();
    }
    ended.over = true;
}

TEST_P(WaitTest, receives_one_lease) {
    open();
    auto pair = tcp_pair();
    Wait wait(loop, Kind::receive, pair.ours.get(), "recv");
    for (const char* word : {"one", "two"}) {
        Ended ended;
        auto task = await(wait, ended);
        send_all(pair.theirs.get(), word);
        ASSERT_TRUE(until([&] { return ended.over; }));
        EXPECT_EQ(ended.text, word);
    }
}

TEST_P(WaitTest, can_be_cancelled_at_each_point) {
    open();
    for (int turns = 0; turns < 4; ++turns) {
        auto pair = tcp_pair();
        char byte;
        Wait wait(loop, Kind::receive_into, pair.ours.get(), "recv");
        wait.data = &byte;
        wait.bytes = 1;
        wait.cancel();  // not begun: without effect
        Ended ended;
        auto task = await(wait, ended);
        for (int i = 0; i < turns; ++i) loop.turn(0);
        wait.cancel();
        wait.cancel();
        ASSERT_TRUE(until([&] { return ended.over; }));
        ASSERT_FALSE(ended.result);
        EXPECT_EQ(ended.result.error().number, ECANCELED);
        wait.cancel();  // over: without effect

        send_all(pair.theirs.get(), "x");
        Ended again;
        auto next = await(wait, again);
        ASSERT_TRUE(until([&] { return again.over; }));
        EXPECT_EQ(again.result, 1);
        EXPECT_EQ(byte, 'x');
    }
}

TEST_P(WaitTest, a_limit_that_runs_out_is_a_timeout) {
    open();
    auto pair = tcp_pair();
    char byte;
    Wait wait(loop, Kind::receive_into, pair.ours.get(), "recv", 15);
    wait.data = &byte;
    wait.bytes = 1;
    Ended ended;
    uint64_t began = loop.clock().now_ms();
    auto task = await(wait, ended);
    ASSERT_TRUE(until([&] { return ended.over; }));
    ASSERT_FALSE(ended.result);
    EXPECT_EQ(ended.result.error().number, ETIMEDOUT);
    EXPECT_STREQ(ended.result.error().call, "recv");
    EXPECT_GE(loop.clock().now_ms(), began + 15);
}

TEST_P(WaitTest, a_send_that_ran_out_of_time_has_failed_although_bytes_have_left) {
    open();
    auto pair = tcp_pair();
    std::string text = pattern(32 << 20);
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    Wait wait(loop, Kind::send, pair.ours.get(), "send", 50);
    wait.message = &message;
    Ended ended;
    auto task = await(wait, ended);
    ASSERT_TRUE(until([&] { return ended.over; }));
    ASSERT_FALSE(ended.result);
    EXPECT_EQ(ended.result.error().number, ETIMEDOUT);
    EXPECT_FALSE(receive_all(pair.theirs.get()).empty());
}

TEST_P(WaitTest, a_send_that_ends_in_time_is_whole) {
    open();
    auto pair = tcp_pair();
    std::string text = pattern(4 << 20);
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    Wait wait(loop, Kind::send, pair.ours.get(), "send", 20'000);
    wait.message = &message;
    Ended ended;
    auto task = await(wait, ended);
    std::string got;
    ASSERT_TRUE(until([&] {
        got += receive_all(pair.theirs.get());
        return ended.over;
    }));
    EXPECT_EQ(ended.result, static_cast<int>(text.size()));
    got += receive_all(pair.theirs.get());
    EXPECT_TRUE(got == text);
}

Task<> nap(Sleep& rest, bool& passed, bool& over) {
    passed = co_await rest;
    over = true;
}

TEST_P(WaitTest, a_sleep_lasts_as_long_as_it_says_or_until_it_is_cancelled) {
    open();
    bool passed = false;
    bool over = false;
    Sleep rest(loop, 20);
    uint64_t began = loop.clock().now_ms();
    auto task = nap(rest, passed, over);
    ASSERT_TRUE(until([&] { return over; }));
    EXPECT_TRUE(passed);
    EXPECT_GE(loop.clock().now_ms(), began + 20);

    over = false;
    Sleep longer(loop, 1'000'000);
    auto second = nap(longer, passed, over);
    turn_idly();
    EXPECT_FALSE(over);
    longer.cancel();
    EXPECT_FALSE(over);
    ASSERT_TRUE(until([&] { return over; }));
    EXPECT_FALSE(passed);
    longer.cancel();  // over: without effect
}

Task<> work(Loop& loop, void (*call)(void*), void* context, bool& over) {
    Blocking blocking(loop, call, context);
    co_await blocking;
    over = true;
}

TEST_P(WaitTest, a_blocking_call_runs_elsewhere_and_comes_back) {
    open();
    pthread_t where = pthread_self();
    bool over = false;
    auto call = [](void* context) { *static_cast<pthread_t*>(context) = pthread_self(); };
    auto task = work(loop, call, &where, over);
    ASSERT_TRUE(until([&] { return over; }));
    EXPECT_FALSE(pthread_equal(where, pthread_self()));
}

Task<> pass(Gate& gate, bool& over) {
    co_await gate;
    over = true;
}

TEST(GateTest, opens_when_the_last_has_left) {
    Gate gate;
    bool over = false;
    auto free = pass(gate, over);
    EXPECT_TRUE(over);
    gate.enter();
    gate.enter();
    over = false;
    auto task = pass(gate, over);
    gate.leave();
    EXPECT_FALSE(over);
    gate.leave();
    EXPECT_TRUE(over);
}

FOR_BOTH_ENGINES(WaitTest);

}  // namespace
}  // namespace ringx

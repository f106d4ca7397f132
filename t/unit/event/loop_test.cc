// t/unit/event/loop_test.cc - the turn: what is put off, what other threads post, and no turn without a reason.
//
// A worker with nothing to do must sleep until its next timer: a loop that wakes for nothing costs every idle machine.
#include "event/loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "t/unit/event/both_engines.h"

namespace ringx {
namespace {

using engine_test::engine_name;

class LoopTest : public engine_test::BothEngines {};

struct Call : Deferred {
    std::function<void()> call;
    void run() override { call(); }
};

struct Alarm : Timer {
    std::function<void()> call;
    void expire() override { call(); }
};

TEST_P(LoopTest, runs_what_was_deferred_at_the_end_of_the_turn) {
    open();
    std::string order;
    Call first;
    Call second;
    Call late;
    first.call = [&] {
        order += "1";
        loop.defer(late);
    };
    second.call = [&] { order += "2"; };
    late.call = [&] { order += "3"; };
    loop.defer(first);
    loop.defer(second);
    loop.turn();  // does not sleep
    EXPECT_EQ(order, "12");
    loop.turn();
    EXPECT_EQ(order, "123");
}

TEST_P(LoopTest, runs_one_queued_step_a_turn_and_answers_first) {
    open();
    std::string order;
    Call steps[3];
    for (auto& step : steps) {
        step.call = [&] {
            order += "s";
            if (&step == &steps[0] && order == "as") loop.queue(step);
        };
        loop.queue(step);
    }
    Call answer;
    answer.call = [&] {
        order += "a";
        if (order.size() < 8) loop.defer(answer);
    };
    loop.defer(answer);
    for (int i = 0; i < 4; ++i) loop.turn();  // sleeps in none of them
    EXPECT_EQ(order, "asasasas");
}

TEST_P(LoopTest, what_is_deferred_can_be_destroyed_before_it_runs) {
    open();
    int ran = 0;
    Call first;
    auto second = std::make_unique<Call>();
    first.call = [&] {
        ++ran;
        second.reset();
    };
    second->call = [&] { ++ran; };
    loop.defer(first);
    loop.defer(*second);
    loop.turn();
    loop.turn(0);
    EXPECT_EQ(ran, 1);
}

TEST_P(LoopTest, runs_every_call_other_threads_post) {
    open();
    constexpr int each = 2000;
    std::vector<std::thread> threads;
    int ran = 0;
    pthread_t here = pthread_self();
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < each; ++n) {
                loop.post([&] { ran += pthread_equal(here, pthread_self()) ? 1 : 0; });
            }
        });
    }
    EXPECT_TRUE(until([&] { return ran == 3 * each; }));
    for (auto& thread : threads) thread.join();
}

TEST_P(LoopTest, a_call_may_post_and_stop) {
    open();
    bool stopped = false;
    loop.post([&] {
        loop.post([&] {
            stopped = true;
            loop.stop();
        });
    });
    loop.run();
    EXPECT_TRUE(stopped);
}

TEST_P(LoopTest, does_not_wake_without_a_reason) {
    open();
    Alarm alarm;
    alarm.call = [&] { loop.stop(); };
    // The ring of the test before may still be on its way out, and interrupts: the quietest of a few rounds counts.
    uint64_t waits_least = UINT64_MAX;
    for (int round = 0; round < 5 && waits_least > 4; ++round) {
        uint64_t began = loop.clock().now_ms();
        uint64_t before = loop.engine().counters().waits.value();
        loop.set_timer(alarm, 100);
        loop.run();
        EXPECT_GE(loop.clock().now_ms(), began + 100);
        waits_least = std::min(waits_least, loop.engine().counters().waits.value() - before);
    }
    // On its way the timer moves down the wheel a few times.
    EXPECT_LE(waits_least, 4u);
}

TEST_P(LoopTest, an_expired_timer_may_set_itself_to_now) {
    open();
    Alarm alarm;
    int fired = 0;
    alarm.call = [&] {
        if (++fired < 5) loop.set_timer(alarm, 0);
    };
    loop.set_timer(alarm, 0);
    for (int turns = 0; turns < 5; ++turns) loop.turn();
    EXPECT_EQ(fired, 5);
}

FOR_BOTH_ENGINES(LoopTest);

}  // namespace
}  // namespace ringx

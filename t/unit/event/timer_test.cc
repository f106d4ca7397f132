// t/unit/event/timer_test.cc - the timer wheel alone, with a time of our own: no test waits.
//
// A timer must fire in the first expire() at or after its deadline and never before, and next_ms() must never be later
// than the earliest deadline, whatever was set, prolonged, stopped or destroyed in between.
#include "event/timer.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace ringx {
namespace {

struct Recorder : Timer {
    uint64_t now = 0;
    uint64_t fired_ms = 0;
    unsigned fired = 0;
    uint64_t again_after = 0;
    TimerWheel* wheel = nullptr;
    Timer* stops = nullptr;

    void expire() override {
        ++fired;
        EXPECT_FALSE(set());
        if (again_after > 0) wheel->set(*this, now + again_after);
        if (stops != nullptr) wheel->stop(*stops);
    }
};

TEST(TimerWheel, fires_at_its_time_and_not_before) {
    for (uint64_t start : {uint64_t{0}, uint64_t{1}, uint64_t{63}, uint64_t{4095}, (uint64_t{1} << 36) - 5}) {
        for (long after : {0l, 1l, 2l, 63l, 64l, 65l, 4095l, 4096l, 4097l, 300'000l, 90'000'000l, 90'000'000'000l}) {
            uint64_t deadline = start + static_cast<uint64_t>(after);
            TimerWheel wheel(start);
            Recorder timer;
            wheel.set(timer, deadline);
            uint64_t now = start;
            while (timer.fired == 0) {
                auto next = wheel.next_ms();
                ASSERT_TRUE(next);
                ASSERT_LE(*next, deadline);
                now = std::max(now, *next);
                wheel.expire(now);
                if (now < deadline) {
                    ASSERT_EQ(timer.fired, 0u) << start << " + " << after << " at " << now;
                }
            }
            EXPECT_EQ(now, deadline);
            wheel.expire(now + 1);
            EXPECT_EQ(timer.fired, 1u);
            EXPECT_FALSE(wheel.next_ms());
        }
    }
}

TEST(TimerWheel, setting_later_costs_no_move_and_setting_earlier_is_obeyed) {
    TimerWheel wheel(0);
    Recorder timer;
    wheel.set(timer, 100);
    wheel.set(timer, 5000);
    wheel.expire(100);
    EXPECT_EQ(timer.fired, 0u);
    EXPECT_TRUE(timer.set());
    wheel.set(timer, 200);
    wheel.expire(199);
    EXPECT_EQ(timer.fired, 0u);
    wheel.expire(200);
    EXPECT_EQ(timer.fired, 1u);
}

TEST(TimerWheel, a_stopped_or_destroyed_timer_does_not_fire) {
    TimerWheel wheel(0);
    Recorder stopped;
    wheel.set(stopped, 10);
    wheel.stop(stopped);
    {
        Recorder destroyed;
        wheel.set(destroyed, 10);
    }
    wheel.expire(20);
    EXPECT_EQ(stopped.fired, 0u);
    wheel.set(stopped, 30);
    wheel.expire(30);
    EXPECT_EQ(stopped.fired, 1u);
}

TEST(TimerWheel, one_that_sets_itself_to_now_fires_once_per_call) {
    TimerWheel wheel(0);
    struct Eager : Recorder {
        void expire() override {
            ++fired;
            wheel->set(*this, 0);
        }
    } timer;
    timer.wheel = &wheel;
    wheel.set(timer, 5);
    for (unsigned i = 1; i < 10; ++i) {
        wheel.expire(5);
        EXPECT_EQ(timer.fired, i);
        EXPECT_EQ(wheel.next_ms(), 5u);
    }
}

TEST(TimerWheel, one_that_is_due_can_be_stopped_by_another) {
    TimerWheel wheel(0);
    Recorder first;
    Recorder second;
    first.wheel = second.wheel = &wheel;
    first.stops = &second;
    second.stops = &first;
    wheel.set(first, 5);
    wheel.set(second, 5);
    wheel.expire(7);
    EXPECT_EQ(first.fired + second.fired, 1u);
}

// Against a sorted map: random sets, stops and steps of time.
TEST(TimerWheel, agrees_with_a_sorted_map) {
    std::mt19937 random(7);
    uint64_t now = 123'456;
    TimerWheel wheel(now);
    std::vector<Recorder> timers(200);
    std::map<Recorder*, uint64_t> want;
    constexpr uint64_t spans[] = {3, 70, 5000, 400'000, 30'000'000};
    for (int round = 0; round < 20'000; ++round) {
        Recorder& timer = timers[random() % timers.size()];
        if (random() % 4 == 0) {
            wheel.stop(timer);
            want.erase(&timer);
        } else {
            uint64_t deadline = now + random() % spans[random() % std::size(spans)];
            wheel.set(timer, deadline);
            want[&timer] = deadline;
        }
        if (random() % 3 != 0) continue;

        now += random() % spans[random() % 4];
        for (auto& [waiting, deadline] : want) ASSERT_LE(*wheel.next_ms(), deadline);
        wheel.expire(now);
        for (auto at = want.begin(); at != want.end();) {
            ASSERT_EQ(at->first->fired, at->second <= now ? 1u : 0u);
            if (at->second <= now) {
                at->first->fired = 0;
                at = want.erase(at);
            } else {
                ++at;
            }
        }
        for (auto& each : timers) ASSERT_EQ(each.fired, 0u);
    }
}

}  // namespace
}  // namespace ringx

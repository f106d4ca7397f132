// schedule_test.cc - the times of an open loop: evenly spaced, shared by threads, and bounded.
//
// Times are the numbers of a clock that these tests make up.
#include "bench/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

using ringx::bench::Schedule;

namespace {

std::vector<uint64_t> all_of(Schedule schedule) {
    std::vector<uint64_t> times;
    for (; !schedule.is_over(); schedule.take()) times.push_back(schedule.next_us());
    return times;
}

TEST(Schedule, times_are_evenly_spaced_and_end_in_time) {
    EXPECT_EQ(all_of(Schedule(1000, {}, 5000, 9000, Schedule::never)), (std::vector<uint64_t>{5000, 6000, 7000, 8000}));
}

TEST(Schedule, a_rate_is_kept_over_a_long_time) {
    // Seven a second do not divide a microsecond's clock; nothing may add up.
    auto times = all_of(Schedule(7, {}, 0, 3600u * 1'000'000u, Schedule::never));
    EXPECT_EQ(times.size(), 7u * 3600u);
    EXPECT_NEAR(static_cast<double>(times.back()), 3600e6 - 1e6 / 7, 2);
}

TEST(Schedule, threads_share_the_times_and_leave_none_out) {
    std::vector<uint64_t> together;
    for (uint32_t index = 0; index < 3; ++index) {
        auto times = all_of(Schedule(1000, {index, 3}, 0, 10'000, Schedule::never));
        together.insert(together.end(), times.begin(), times.end());
    }
    std::ranges::sort(together);
    EXPECT_EQ(together, all_of(Schedule(1000, {}, 0, 10'000, Schedule::never)));
}

TEST(Schedule, a_count_is_one_of_all_threads) {
    EXPECT_EQ(all_of(Schedule(1000, {0, 2}, 0, Schedule::never, 5)).size(), 3u);
    EXPECT_EQ(all_of(Schedule(1000, {1, 2}, 0, Schedule::never, 5)).size(), 2u);
}

TEST(Schedule, what_is_late_stays_due_at_its_own_time) {
    Schedule schedule(1000, {}, 0, 10'000, Schedule::never);
    EXPECT_TRUE(schedule.is_due(3500));
    schedule.take();
    EXPECT_EQ(schedule.next_us(), 1000u);
    for (int i = 0; i < 3; ++i) schedule.take();
    EXPECT_FALSE(schedule.is_due(3500));
    EXPECT_EQ(schedule.next_us(), 4000u);
}

TEST(Schedule, without_a_rate_nothing_is_ever_due) {
    EXPECT_TRUE(Schedule().is_over());
    EXPECT_FALSE(Schedule().is_due(1'000'000));
}

}  // namespace

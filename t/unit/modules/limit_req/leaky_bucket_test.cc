// t/unit/modules/limit_req/leaky_bucket_test.cc - nginx's arithmetic, in milliseconds that are made up.
//
// Each case plays requests at given times against a bucket and says what each of them is told.
#include "modules/limit_req/leaky_bucket.h"

#include <gtest/gtest.h>

#include <vector>

namespace ringx::http {
namespace {

constexpr int64_t refused = -1;

// How long each request waits, or refused.
std::vector<int64_t> play(int64_t rate, int64_t burst, int64_t undelayed, std::vector<uint64_t> times) {
    std::vector<int64_t> told;
    LeakyBucket bucket{.excess = 0, .last_ms = 0};
    bool is_new = true;
    for (uint64_t now : times) {
        int64_t excess = is_new ? 0 : bucket.excess_with_one(now, rate);
        if (excess > burst) {
            told.push_back(refused);
            continue;
        }
        if (is_new) bucket.last_ms = now;
        bucket.account(now, excess);
        is_new = false;
        told.push_back(static_cast<int64_t>(delay_ms(excess, undelayed, rate)));
    }
    return told;
}

TEST(LeakyBucket, says_what_nginx_says) {
    struct {
        int64_t rate, burst, undelayed;
        std::vector<uint64_t> times;
        std::vector<int64_t> want;
    } cases[] = {
        // One a second, nothing ahead.
        {1000, 0, 0, {5000, 5000, 5999, 6000, 6500, 7000}, {0, refused, refused, 0, refused, 0}},
        // Two ahead may wait.
        {1000, 2000, 0, {1000, 1000, 1000, 1000, 2000}, {0, 1000, 2000, refused, 2000}},
        // nodelay: they pass, and the next is refused all the same.
        {1000, 2000, never_delayed, {1000, 1000, 1000, 1000, 2000}, {0, 0, 0, refused, 0}},
        // delay=1: the first ahead passes at once.
        {1000, 3000, 1000, {1000, 1000, 1000, 1000, 1000}, {0, 0, 1000, 2000, refused}},
        // Ten a second: one each 100 ms.
        {10'000, 0, 0, {0, 99, 100, 150, 200}, {0, refused, 0, refused, 0}},
        // 30 a minute, in thousandths: 500.
        {500, 1000, 0, {0, 0, 0, 1000, 2000}, {0, 2000, refused, refused, 2000}},
        // Time that runs backwards a little counts as none, much of it as nonsense.
        {1000, 1000, 0, {100'000, 99'000, 100'000, 30'000}, {0, 1000, refused, refused}},
    };
    for (auto& c : cases) EXPECT_EQ(play(c.rate, c.burst, c.undelayed, c.times), c.want) << c.rate << " " << c.burst;
}

TEST(LeakyBucket, is_forgettable_when_it_was_empty_for_a_minute) {
    LeakyBucket bucket{.excess = 90'000, .last_ms = 1000};
    EXPECT_FALSE(bucket.forgettable(60'999, 1000));
    EXPECT_FALSE(bucket.forgettable(61'000, 1000));
    EXPECT_FALSE(bucket.forgettable(90'999, 1000));
    EXPECT_TRUE(bucket.forgettable(91'000, 1000));
    EXPECT_FALSE((LeakyBucket{.excess = 0, .last_ms = 1000}.forgettable(60'999, 1000)));
}

}  // namespace
}  // namespace ringx::http

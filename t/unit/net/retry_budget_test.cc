// t/unit/net/retry_budget_test.cc - how many retries are allowed beside how many requests.
//
// Times are those the test says.
#include "net/retry_budget.h"

#include <gtest/gtest.h>

namespace ringx {
namespace {

constexpr uint64_t now = 5'000'000;

// How many of a hundred are allowed.
uint32_t taken(RetryBudget& budget, RetryBudget::Rules rules, uint64_t now_ms) {
    uint32_t count = 0;
    for (int i = 0; i < 100; ++i) count += budget.take(rules, now_ms);
    return count;
}

TEST(RetryBudget, allows_a_share_of_the_requests_and_a_few_anyway) {
    struct {
        int requests;
        RetryBudget::Rules rules;
        uint32_t want;
    } cases[] = {
        {0, {20, 0}, 0},    {0, {20, 3}, 3},   {100, {20, 0}, 20}, {100, {20, 3}, 20},
        {10, {20, 3}, 3},   {4, {20, 0}, 0},   {5, {20, 0}, 1},    {100, {0, 0}, 0},
        {100, {0, 1}, 1},   {50, {100, 0}, 50},
    };
    for (const auto& c : cases) {
        RetryBudget budget;
        for (int i = 0; i < c.requests; ++i) budget.note_request(now);
        EXPECT_EQ(taken(budget, c.rules, now), c.want) << c.requests << " " << c.rules.percent;
    }
}

TEST(RetryBudget, forgets_what_was_ten_seconds_ago) {
    RetryBudget budget;
    for (int i = 0; i < 100; ++i) budget.note_request(now);
    EXPECT_EQ(taken(budget, {10, 0}, now + 9000), 10u);
    EXPECT_EQ(taken(budget, {10, 0}, now + 9999), 0u);
    EXPECT_EQ(taken(budget, {10, 0}, now + 10'000), 0u);
    for (int i = 0; i < 200; ++i) budget.note_request(now + 10'000);
    EXPECT_EQ(taken(budget, {10, 0}, now + 10'000), 10u);  // the ten of a second ago still count
    EXPECT_EQ(taken(budget, {10, 0}, now + 19'000), 10u);
    EXPECT_EQ(taken(budget, {10, 0}, now + 500'000), 0u);
}

TEST(RetryBudget, has_its_least_number_in_each_second) {
    RetryBudget budget;
    EXPECT_EQ(taken(budget, {0, 3}, now), 3u);
    EXPECT_EQ(taken(budget, {0, 3}, now + 999), 0u);
    EXPECT_EQ(taken(budget, {0, 3}, now + 1000), 3u);
}

TEST(RetryBudget, is_told_of_once_in_a_window) {
    RetryBudget budget;
    EXPECT_TRUE(budget.wants_to_tell(now));
    EXPECT_FALSE(budget.wants_to_tell(now + 9'999));
    EXPECT_TRUE(budget.wants_to_tell(now + 10'000));
}

}  // namespace
}  // namespace ringx

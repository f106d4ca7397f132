// t/unit/net/staples_test.cc - who asks for a response when, and what handshakes find meanwhile.
//
// The workers are lives of this one process; the time is what the test says.
#include "net/staples.h"

#include <gtest/gtest.h>

#include <limits>

namespace ringx {
namespace {

constexpr int64_t now = 1'000'000;
constexpr std::string_view key = "key";

class StaplesTest : public testing::Test {
 protected:
    Staples at(int64_t seconds) { return Staples(*zone_, seconds); }
    int64_t turn(Life life, int64_t seconds) { return at(seconds).take_turn(key, lives_, life); }

    Lives lives_;
    Life one_ = lives_.begin();
    Life other_ = lives_.begin();
    std::shared_ptr<SharedZone> zone_ = *SharedZone::create("staples", SharedZone::bytes_min * 8);
};

TEST_F(StaplesTest, one_asks_and_the_others_wait) {
    EXPECT_EQ(turn(one_, now), 0);
    EXPECT_EQ(turn(other_, now), Staples::look_again_max);
    EXPECT_EQ(turn(one_, now), Staples::look_again_max);
    EXPECT_EQ(at(now).find(key), "");
}

TEST_F(StaplesTest, whoever_lives_takes_the_place_of_the_dead) {
    EXPECT_EQ(turn(one_, now), 0);
    lives_.end(one_);
    EXPECT_EQ(turn(other_, now), 0);
}

TEST_F(StaplesTest, a_turn_can_be_given_up) {
    EXPECT_EQ(turn(one_, now), 0);
    at(now).give_up_turn(key);
    EXPECT_EQ(turn(other_, now), 0);
}

TEST_F(StaplesTest, what_is_kept_is_shown_until_it_ends) {
    EXPECT_EQ(turn(one_, now), 0);
    at(now).keep(key, "response", now + 100);
    EXPECT_EQ(at(now + 100).find(key), "response");
    EXPECT_EQ(at(now + 101).find(key), "");
    at(now).keep(key, "", now + 100);
    EXPECT_EQ(at(now).find(key), "");
}

TEST_F(StaplesTest, it_is_asked_for_again_before_it_ends) {
    struct {
        int64_t valid_until, due;
    } cases[] = {
        {now + 100, now + 50},
        {now + 1, now + 1},
        {now + 86400, now + 3600},
        {std::numeric_limits<int64_t>::max(), now + 3600},
        {now - 1, now + 300},  // good by the skew of clocks alone
    };
    for (auto& c : cases) {
        at(now).keep(key, "response", c.valid_until);
        EXPECT_EQ(turn(one_, c.due - 1), 1) << c.valid_until;
        EXPECT_EQ(turn(one_, c.due), 0) << c.valid_until;
        at(c.due).give_up_turn(key);
    }
}

TEST_F(StaplesTest, after_a_failure_what_there_is_stays_and_time_passes) {
    at(now).keep(key, "response", now + 1000);
    EXPECT_EQ(turn(one_, now + 500), 0);
    at(now + 500).fail(key);
    EXPECT_EQ(at(now + 500).find(key), "response");
    EXPECT_EQ(turn(other_, now + 500), 300);
    EXPECT_EQ(turn(other_, now + 800), 0);
}

TEST_F(StaplesTest, a_clock_that_was_set_back_delays_nothing) {
    at(now).keep(key, "response", now + 86400);
    EXPECT_EQ(turn(one_, now - 86400), 0);
}

TEST_F(StaplesTest, a_full_zone_forgets_what_nobody_wanted_for_longest) {
    const std::string large(SharedZone::bytes_min, 'x');
    std::string last;
    for (int i = 0; i < 100; ++i) at(now).keep(last = std::to_string(i), large, now + 1);
    EXPECT_EQ(at(now).find(last), large);
    EXPECT_EQ(at(now).find("0"), "");
    at(now).keep(key, std::string(SharedZone::bytes_min * 100, 'x'), now + 1);
    EXPECT_EQ(at(now).find(key), "");
}

}  // namespace
}  // namespace ringx

// t/unit/net/balancing_test.cc - the order in which servers are chosen: that of nginx, step by step.
//
// A table's sequences were seen of nginx with the same weights. Time is what each test says it is.
#include "net/balancing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "t/unit/net/sample_servers.h"

namespace ringx {
namespace {

TEST(ChooseInTurn, follows_the_weights_without_runs) {
    struct {
        std::initializer_list<uint32_t> weights;
        std::string want;
    } cases[] = {
        {{5, 1, 1}, "aabacaaaabacaa"},
        {{1, 1, 1}, "abcabcabc"},
        {{1, 2, 3}, "cbacbccbacbc"},
        {{1, 1}, "ababab"},
        {{4, 2}, "abaaba"},
        {{7}, "aaa"},
        {{}, "--"},
    };
    for (const auto& c : cases) {
        SampleServers servers(SampleServers::of_weights(c.weights));
        EXPECT_EQ(servers.in_turn(c.want.size()), c.want);
    }
}

TEST(ChooseInTurn, passes_over_who_is_down_tried_or_full) {
    SampleServers servers({{}, {.down = true}, {.max_conns = 1}, {}});
    EXPECT_EQ(servers.in_turn(6), "acdacd");
    servers[2].state->connections = 1;
    EXPECT_EQ(servers.in_turn(4), "adad");
    TriedPeers tried;
    tried.add(0);
    EXPECT_EQ(choose_in_turn(servers.all(), tried, SampleServers::now), 3u);
    tried.add(3);
    EXPECT_EQ(choose_in_turn(servers.all(), tried, SampleServers::now), no_peer);
}

TEST(ChooseInTurn, a_server_that_failed_is_asked_again_after_its_time) {
    SampleServers servers({{.max_fails = 2, .fail_timeout_ms = 1000}, {}});
    uint64_t now = SampleServers::now;
    EXPECT_FALSE(note_failure(servers[0], now));
    EXPECT_EQ(servers.in_turn(2, now), "ab") << "once is not often enough";
    EXPECT_TRUE(note_failure(servers[0], now));
    EXPECT_FALSE(note_failure(servers[0], now)) << "it was unavailable before";
    EXPECT_EQ(servers.in_turn(3, now + 1000), "bbb");
    now += 1001;
    EXPECT_EQ(choose_in_turn(servers.all(), {}, now), 0u);
    note_choice(servers[0], now);
    EXPECT_EQ(servers.in_turn(3, now), "bbb") << "one request shows whether it is back";
    note_success(servers[0], now);
    EXPECT_EQ(servers[0].state->fails, 0u);
    EXPECT_TRUE(servers.in_turn(3, now).contains('a'));
}

TEST(ChooseInTurn, failures_take_weight_that_comes_back_turn_by_turn) {
    SampleServers servers({{.weight = 4, .max_fails = 2}, {.weight = 4}});
    (void)note_failure(servers[0], SampleServers::now);
    EXPECT_EQ(servers[0].state->effective_weight, 2);
    servers.in_turn(1);
    EXPECT_EQ(servers[0].state->effective_weight, 3);
    servers.in_turn(5);
    EXPECT_EQ(servers[0].state->effective_weight, 4);
}

TEST(NoteFailure, without_max_fails_a_server_is_never_unavailable) {
    SampleServers servers(std::vector<PeerRules>{{.max_fails = 0}});
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(note_failure(servers[0], SampleServers::now));
    EXPECT_EQ(servers.in_turn(1), "a");
    EXPECT_EQ(servers[0].state->effective_weight, 1);
}

TEST(ChooseInTurn, a_server_that_is_back_gets_its_weight_little_by_little) {
    constexpr uint64_t start = 10'000;
    SampleServers servers({{.fail_timeout_ms = 100, .slow_start_ms = start}, {}});
    uint64_t now = SampleServers::now;
    EXPECT_EQ(servers.in_turn(4, now), "abab") << "at the start of all nobody is slow";
    (void)note_failure(servers[0], now);
    now += 101;
    note_choice(servers[0], now);
    note_success(servers[0], now);
    auto share = [&](uint64_t at) {
        std::string names = servers.in_turn(300, at);
        return std::count(names.begin(), names.end(), 'a');
    };
    EXPECT_LE(share(now), 1);
    EXPECT_NEAR(share(now + start / 4), 60, 2);
    EXPECT_NEAR(share(now + start / 2), 100, 2);
    EXPECT_NEAR(share(now + start), 150, 1);
}

TEST(ChooseInTurn, a_server_that_is_unhealthy_or_drained_is_passed_over) {
    SampleServers servers({{}, {.drain = true}, {}});
    servers.state(0).unhealthy = 1;
    EXPECT_EQ(servers.in_turn(3), "ccc");
    EXPECT_TRUE(can_be_asked(servers[1], SampleServers::now));
    EXPECT_FALSE(can_be_asked(servers[0], SampleServers::now));
}

TEST(ChooseLeastConnected, looks_at_connections_for_their_weight_and_then_at_the_turn) {
    SampleServers servers(SampleServers::of_weights({1, 3, 1}));
    EXPECT_EQ(servers.requests(10, SampleServers::now, choose_least_connected), "babcbbabcb");
    struct {
        uint32_t connections[3];
        std::string want;
    } cases[] = {
        {{1, 0, 1}, "bbb"}, {{0, 1, 1}, "aaa"}, {{1, 2, 1}, "bbb"}, {{2, 4, 1}, "ccc"}, {{1, 4, 1}, "ac"},
    };
    for (const auto& c : cases) {
        SampleServers each(SampleServers::of_weights({1, 3, 1}));
        for (size_t i = 0; i < 3; ++i) each.state(i).connections = c.connections[i];
        EXPECT_EQ(each.requests(c.want.size(), SampleServers::now, choose_least_connected), c.want);
    }
    TriedPeers tried;
    tried.add(1);
    servers.state(0).connections = 1;
    EXPECT_EQ(choose_least_connected(servers.all(), tried, SampleServers::now), 2u);
}

TEST(ChooseFastest, looks_at_the_time_that_counts_and_at_what_is_under_way) {
    constexpr uint64_t ms = 1000;
    struct {
        TimeRules::Until until;
        uint64_t header_us[2], response_us[2];
        uint32_t connections[2];
        std::string want;
    } cases[] = {
        {TimeRules::Until::header, {100 * ms, 50 * ms}, {0, 900 * ms}, {0, 0}, "bb"},
        {TimeRules::Until::last_byte, {100 * ms, 50 * ms}, {200 * ms, 900 * ms}, {0, 0}, "aa"},
        {TimeRules::Until::header, {51 * ms, 42 * ms}, {}, {0, 0}, "ab"},
        {TimeRules::Until::header, {150 * ms, 50 * ms}, {}, {0, 1}, "bb"},
        {TimeRules::Until::header, {150 * ms, 50 * ms}, {}, {0, 2}, "aa"},
        {TimeRules::Until::header, {6000 * ms, 9000 * ms}, {}, {0, 0}, "ab"},
        {TimeRules::Until::header, {6000 * ms, 9000 * ms}, {}, {2, 1}, "bb"},
    };
    for (const auto& c : cases) {
        SampleServers servers(SampleServers::of_weights({1, 1}));
        for (size_t i = 0; i < 2; ++i) {
            servers.state(i).header_us = c.header_us[i];
            servers.state(i).response_us = c.response_us[i];
            servers.state(i).connections = c.connections[i];
            servers.state(i).checked_ms = SampleServers::now;
        }
        auto choose = [&](Candidates peers, const TriedPeers& tried, uint64_t now) {
            return choose_fastest(peers, tried, {.until = c.until}, now);
        };
        EXPECT_EQ(servers.requests(c.want.size(), SampleServers::now, choose), c.want) << &c - cases;
    }
}

TEST(ChooseFastest, a_slow_server_that_was_not_asked_for_long_gets_another_chance) {
    SampleServers servers(SampleServers::of_weights({1, 1}));
    uint64_t now = SampleServers::now;
    servers.state(0).header_us = 100'000;
    servers.state(1).header_us = 50'000;
    servers.state(0).checked_ms = servers.state(1).checked_ms = now;
    EXPECT_EQ(choose_fastest(servers.all(), {}, {}, now + 10'000), 1u);
    servers.state(1).checked_ms = now + 20'000;
    EXPECT_EQ(choose_fastest(servers.all(), {}, {}, now + 20'002), 0u);
}

TEST(ChooseFastest, requests_that_wait_for_long_make_a_server_slow) {
    SampleServers servers(SampleServers::of_weights({1, 1}));
    uint64_t now = SampleServers::now;
    for (size_t i = 0; i < 2; ++i) {
        servers.state(i).header_us = 50'000;
        servers.state(i).checked_ms = now;
    }
    note_waiting(servers.state(0), now);
    note_waiting(servers.state(0), now + 1000);
    EXPECT_EQ(choose_fastest(servers.all(), {}, {}, now + 1000), 1u);
    EXPECT_EQ(servers.state(0).waiting_us, 500'000u);
    note_waited(servers.state(0), 1000, now + 1000);
    EXPECT_EQ(servers.state(0).waited_ms, 0u);
    EXPECT_EQ(servers.state(0).waiting, 1u);
    note_waited(servers.state(0), 0, now + 1000);
    EXPECT_EQ(choose_fastest(servers.all(), {}, {}, now + 1000), 0u);
}

// Clocks are read once in a turn, so that of one worker is ahead of another's for a moment.
TEST(Balancing, what_a_worker_with_a_later_clock_has_noted_holds) {
    uint64_t now = SampleServers::now, ahead = now + 5;
    SampleServers failed(SampleServers::of_weights({1, 1}));
    (void)note_failure(failed[0], ahead);
    EXPECT_EQ(failed.in_turn(3, now), "bbb");

    SampleServers back({{.slow_start_ms = 10'000}, {}});
    back.state(0).back_ms = ahead;
    EXPECT_EQ(back.in_turn(3, now), "bbb");

    SampleServers slow(SampleServers::of_weights({1, 1}));
    for (size_t i = 0; i < 2; ++i) slow.state(i).checked_ms = ahead;
    slow.state(0).header_us = 100'000;
    EXPECT_EQ(choose_fastest(slow.all(), {}, {}, now), 1u);

    PeerState& state = slow.state(1);
    note_waiting(state, ahead);
    note_waiting(state, now);
    (void)choose_fastest(slow.all(), {}, {}, now);
    EXPECT_EQ(state.waiting_us, 0u);
    note_waited(state, 0, now);
    note_waited(state, 5, ahead + 5);
    EXPECT_EQ(state.waited_ms, 0u);
    EXPECT_EQ(state.waiting_since_ms, ahead + 5);
}

TEST(NoteTime, is_an_average_in_which_the_newest_counts_for_a_twentieth) {
    uint64_t average = 0;
    note_time(average, 1000);
    EXPECT_EQ(average, 1000u);
    note_time(average, 3000);
    EXPECT_EQ(average, 1100u);
    for (int i = 0; i < 500; ++i) note_time(average, 3000);
    EXPECT_NEAR(static_cast<double>(average), 3000, 10);
}

TEST(TriedPeers, holds_any_number) {
    TriedPeers tried;
    for (size_t i = 0; i < 300; i += 3) tried.add(i);
    for (size_t i = 0; i < 400; ++i) EXPECT_EQ(tried.has(i), i < 300 && i % 3 == 0) << i;
    tried.clear();
    for (size_t i = 0; i < 400; ++i) EXPECT_FALSE(tried.has(i)) << i;
}

}  // namespace
}  // namespace ringx

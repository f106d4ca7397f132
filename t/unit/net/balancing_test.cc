// t/unit/net/balancing_test.cc - the order in which servers are chosen: that of nginx, step by step.
//
// A table's sequences were seen of nginx with the same weights. Time is what each test says it is.
#include "net/balancing.h"

#include <gtest/gtest.h>

#include <string>

namespace ringx {
namespace {

// Servers that are called a, b, c …, and their states.
class Servers {
 public:
    explicit Servers(std::vector<PeerRules> rules) : rules_(std::move(rules)) {
        for (const PeerRules& each : rules_) states_.push_back(PeerState::fresh(each));
        for (size_t i = 0; i < rules_.size(); ++i) candidates_.push_back({&rules_[i], &states_[i]});
    }

    static Servers of_weights(std::initializer_list<uint32_t> weights) {
        std::vector<PeerRules> rules;
        for (uint32_t weight : weights) rules.push_back({.weight = weight});
        return Servers(std::move(rules));
    }

    Candidates all() const { return candidates_; }
    const Candidate& operator[](size_t index) const { return candidates_[index]; }

    // The next so many requests, each of which ends well at once; `-` stands for none.
    std::string in_turn(size_t requests, uint64_t now_ms = now) {
        std::string names;
        for (size_t i = 0; i < requests; ++i) {
            size_t chosen = choose_in_turn(all(), {}, now_ms);
            names += name_of(chosen);
            if (chosen == no_peer) continue;
            note_choice(candidates_[chosen], now_ms);
            --states_[chosen].connections;
            note_success(candidates_[chosen]);
        }
        return names;
    }

    static char name_of(size_t index) { return index == no_peer ? '-' : static_cast<char>('a' + index); }

    static constexpr uint64_t now = 1'000'000;

 private:
    std::vector<PeerRules> rules_;
    std::vector<PeerState> states_;
    std::vector<Candidate> candidates_;
};

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
        Servers servers = Servers::of_weights(c.weights);
        EXPECT_EQ(servers.in_turn(c.want.size()), c.want);
    }
}

TEST(ChooseInTurn, passes_over_who_is_down_tried_or_full) {
    Servers servers({{}, {.down = true}, {.max_conns = 1}, {}});
    EXPECT_EQ(servers.in_turn(6), "acdacd");
    servers[2].state->connections = 1;
    EXPECT_EQ(servers.in_turn(4), "adad");
    TriedPeers tried;
    tried.add(0);
    EXPECT_EQ(choose_in_turn(servers.all(), tried, Servers::now), 3u);
    tried.add(3);
    EXPECT_EQ(choose_in_turn(servers.all(), tried, Servers::now), no_peer);
}

TEST(ChooseInTurn, a_server_that_failed_is_asked_again_after_its_time) {
    Servers servers({{.max_fails = 2, .fail_timeout_ms = 1000}, {}});
    uint64_t now = Servers::now;
    EXPECT_FALSE(note_failure(servers[0], now));
    EXPECT_EQ(servers.in_turn(2, now), "ab") << "once is not often enough";
    EXPECT_TRUE(note_failure(servers[0], now));
    EXPECT_FALSE(note_failure(servers[0], now)) << "it was unavailable before";
    EXPECT_EQ(servers.in_turn(3, now + 1000), "bbb");
    now += 1001;
    EXPECT_EQ(choose_in_turn(servers.all(), {}, now), 0u);
    note_choice(servers[0], now);
    EXPECT_EQ(servers.in_turn(3, now), "bbb") << "one request shows whether it is back";
    note_success(servers[0]);
    EXPECT_EQ(servers[0].state->fails, 0u);
    EXPECT_TRUE(servers.in_turn(3, now).contains('a'));
}

TEST(ChooseInTurn, failures_take_weight_that_comes_back_turn_by_turn) {
    Servers servers({{.weight = 4, .max_fails = 2}, {.weight = 4}});
    (void)note_failure(servers[0], Servers::now);
    EXPECT_EQ(servers[0].state->effective_weight, 2);
    servers.in_turn(1);
    EXPECT_EQ(servers[0].state->effective_weight, 3);
    servers.in_turn(5);
    EXPECT_EQ(servers[0].state->effective_weight, 4);
}

TEST(NoteFailure, without_max_fails_a_server_is_never_unavailable) {
    Servers servers(std::vector<PeerRules>{{.max_fails = 0}});
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(note_failure(servers[0], Servers::now));
    EXPECT_EQ(servers.in_turn(1), "a");
    EXPECT_EQ(servers[0].state->effective_weight, 1);
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

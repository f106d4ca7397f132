// t/unit/net/sample_servers.h - servers that are called a, b, c …, for tests of how they are chosen.
//
// Their states are those of servers nothing has happened to. Nobody connects anywhere, and time is what a test says.
#pragma once

#include <string>
#include <vector>

#include "net/balancing.h"

namespace ringx {

class SampleServers {
 public:
    static constexpr uint64_t now = 1'000'000'000;

    explicit SampleServers(std::vector<PeerRules> rules) : rules_(std::move(rules)) {
        for (const PeerRules& each : rules_) states_.push_back(PeerState::fresh(each.weight));
        for (size_t i = 0; i < rules_.size(); ++i) candidates_.push_back({&rules_[i], &states_[i]});
    }
    SampleServers(const SampleServers&) = delete;
    SampleServers& operator=(const SampleServers&) = delete;

    static std::vector<PeerRules> of_weights(std::initializer_list<uint32_t> weights) {
        std::vector<PeerRules> rules;
        for (uint32_t weight : weights) rules.push_back({.weight = weight});
        return rules;
    }

    Candidates all() const { return candidates_; }
    const Candidate& operator[](size_t index) const { return candidates_[index]; }
    PeerState& state(size_t index) { return states_[index]; }

    // `-` stands for none.
    static char name_of(size_t index) { return index == no_peer ? '-' : static_cast<char>('a' + index); }

    // Those that so many requests choose, each of which ends well at once.
    template <typename Choose>
    std::string requests(size_t count, uint64_t now_ms, const Choose& choose) {
        std::string names;
        for (size_t i = 0; i < count; ++i) {
            size_t chosen = choose(all(), TriedPeers(), now_ms);
            names += name_of(chosen);
            if (chosen == no_peer) continue;
            note_choice(candidates_[chosen], now_ms);
            note_success(candidates_[chosen], now_ms);
        }
        return names;
    }
    std::string in_turn(size_t count, uint64_t now_ms = now) { return requests(count, now_ms, choose_in_turn); }

 private:
    std::vector<PeerRules> rules_;
    std::vector<PeerState> states_;
    std::vector<Candidate> candidates_;
};

}  // namespace ringx

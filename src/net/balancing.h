// net/balancing.h - which of several servers is the next one to be asked: the arithmetic, and nothing else.
//
// What the configuration says of a server are its PeerRules; what has happened to it is its PeerState, which may lie in
// memory that all workers share. The functions see both as a span of Candidates, in the order of the configuration, and
// give the index of the one they choose. Their rules are nginx's, number by number: a site that changes servers keeps
// its order, and its visitors the servers they were given. Times are milliseconds of the monotonic clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ringx {

struct PeerRules {
    uint32_t weight = 1;
    uint32_t max_fails = 1;  // 0: it is never taken for unavailable
    uint64_t fail_timeout_ms = 10'000;
    uint32_t max_conns = 0;  // 0: no limit
    bool down = false;
};

// Plain data.
struct PeerState {
    int64_t current_weight = 0;    // of the smooth round robin: what it is owed
    int64_t effective_weight = 0;  // its weight, less what failures took, which comes back turn by turn
    uint32_t connections = 0;      // under way
    uint32_t fails = 0;            // in a row, as far as they count
    uint64_t failed_ms = 0;        // the last one
    uint64_t checked_ms = 0;       // the last one, or since when it is given another chance
    uint64_t chosen_ms = 0;        // the last time
    uint64_t requests = 0;         // how often it was chosen

    static PeerState fresh(const PeerRules& rules) { return PeerState{.effective_weight = rules.weight}; }
};

struct Candidate {
    const PeerRules* rules;
    PeerState* state;
};
using Candidates = std::span<const Candidate>;

// Those that were tried for a request, by index.
class TriedPeers {
 public:
    bool has(size_t index) const { return index < word_bits ? (first_ >> index & 1) != 0 : has_far(index); }
    void add(size_t index);
    void clear() {
        first_ = 0;
        more_.clear();
    }

 private:
    static constexpr size_t word_bits = 64;
    bool has_far(size_t index) const;

    uint64_t first_ = 0;
    std::vector<bool> more_;  // those from word_bits on
};

inline constexpr size_t no_peer = SIZE_MAX;

// Whether it may be asked at all: it is not down, has not failed too often of late, and has a connection free.
bool is_available(const Candidate& peer, uint64_t now_ms);

// By weight, one after the other, the heavy ones not in a row (smooth weighted round robin).
size_t choose_in_turn(Candidates peers, const TriedPeers& tried, uint64_t now_ms);

// What being chosen, and what came of it, does to a peer. A group of one is never taken for failed.
void note_choice(const Candidate& peer, uint64_t now_ms);
// True when with this failure the peer became unavailable.
bool note_failure(const Candidate& peer, uint64_t now_ms);
void note_success(const Candidate& peer);

}  // namespace ringx

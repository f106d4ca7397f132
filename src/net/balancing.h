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
#include <string_view>
#include <vector>

#include "base/lives.h"
#include "net/hash_ring.h"

namespace ringx {

struct PeerRules {
    uint32_t weight = 1;
    uint32_t max_fails = 1;  // 0: it is never taken for unavailable
    uint64_t fail_timeout_ms = 10'000;
    uint32_t max_conns = 0;       // 0: no limit
    uint64_t slow_start_ms = 0;   // how long its weight grows from nothing when it is back
    bool down = false;
    bool drain = false;  // only requests that are bound to it
};

// The health checks of a group, a bit for each, in the order of the configuration.
struct PeerChecks {
    uint32_t all = 0;
    uint32_t mandatory = 0;  // have to pass before a peer is asked for the first time

    friend bool operator==(const PeerChecks&, const PeerChecks&) = default;
};

// Plain data.
struct PeerState {
    int64_t current_weight = 0;    // of the smooth round robin: what it is owed
    int64_t effective_weight = 0;  // its weight, less what failures took, which comes back turn by turn
    uint32_t connections = 0;      // under way
    uint32_t unhealthy = 0;        // the health checks that say so, a bit for each
    uint32_t fails = 0;            // in a row, as far as they count
    uint64_t failed_ms = 0;        // the last one
    uint64_t checked_ms = 0;       // the last one, or since when it is given another chance
    uint64_t back_ms = 0;          // since when it is available again
    uint64_t chosen_ms = 0;        // the last time
    uint64_t requests = 0;         // how often it was chosen
    // Averages of what came well, in microseconds; 0: nothing came yet.
    uint64_t header_us = 0;
    uint64_t response_us = 0;
    // Of requests under way whose time is not known yet: how many, and how long they had waited together then.
    uint32_t waiting = 0;
    uint32_t checked = 0;     // the health checks that have come to an end, a bit for each
    uint64_t waiting_since_ms = 0;
    uint64_t waited_ms = 0;
    uint64_t waiting_us = 0;  // average of how long they have waited
    Life checker = {};        // which worker's turn it is to check its health

    static PeerState fresh(uint32_t weight, PeerChecks checks = {}) {
        return PeerState{.effective_weight = weight, .unhealthy = checks.mandatory};
    }
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
bool can_be_asked(const Candidate& peer, uint64_t now_ms);
// The same, and whether it takes requests that are not bound to it.
bool is_available(const Candidate& peer, uint64_t now_ms);

// Whether it would be available if it had a connection free.
bool lacks_room(const Candidate& peer, uint64_t now_ms);

// By weight, one after the other, the heavy ones not in a row (smooth weighted round robin).
size_t choose_in_turn(Candidates peers, const TriedPeers& tried, uint64_t now_ms);

// Those with the fewest connections for their weight, in turn.
size_t choose_least_connected(Candidates peers, const TriedPeers& tried, uint64_t now_ms);

// Which of a peer's times counts.
struct TimeRules {
    enum class Until : uint8_t { header, last_byte };
    Until until = Until::header;
    bool inflight = false;  // also of requests that are not through yet
};
// Those that are likely to be done soonest, in turn. What is known of those that wait is brought up to date.
size_t choose_fastest(Candidates peers, const TriedPeers& tried, TimeRules rules, uint64_t now_ms);

// By a key: the same key the same peer, as long as that one is available. A search goes on where it was; one that found
// nobody so often gives up, and the request is served in turn.
struct KeySearch {
    std::string_view key = {};
    uint32_t hash = 0;
    uint32_t steps = 0;
    uint32_t failures = 0;

    static constexpr uint32_t failures_max = 20;
    bool given_up() const { return failures > failures_max; }
};
// The key is an address: the first three bytes of one of IPv4, all of one of IPv6.
size_t choose_by_address(Candidates peers, const TriedPeers& tried, KeySearch& search, uint64_t now_ms);
size_t choose_by_hash(Candidates peers, const TriedPeers& tried, KeySearch& search, uint64_t now_ms);
// `servers` says for each peer which server of the ring it belongs to. The search's hash is an index into the ring.
size_t choose_by_ring(Candidates peers, const TriedPeers& tried, const HashRing& ring,
                      std::span<const uint32_t> servers, KeySearch& search, uint64_t now_ms);

// Numbers nobody has to guess or repeat: xorshift64*.
class Dice {
 public:
    explicit Dice(uint64_t seed) : state_(seed | 1) {}
    uint64_t roll();

 private:
    uint64_t state_;
};
// By weight; any one, or the better of any two. Both give up like a search by key.
size_t choose_at_random(Candidates peers, const TriedPeers& tried, Dice& dice, KeySearch& search, uint64_t now_ms);
size_t choose_better_of_two(Candidates peers, const TriedPeers& tried, const TimeRules* by_time, Dice& dice,
                            KeySearch& search, uint64_t now_ms);

// What being chosen, and what came of it, does to a peer. Connections are counted by whoever holds them.
void note_choice(const Candidate& peer, uint64_t now_ms);
// True when with this failure the peer became unavailable.
bool note_failure(const Candidate& peer, uint64_t now_ms);
void note_success(const Candidate& peer, uint64_t now_ms);

// For choose_fastest: a request begins to wait; its time is known; it never will be; and what it was.
void note_waiting(PeerState& state, uint64_t now_ms);
void note_waited(PeerState& state, uint64_t waited_ms, uint64_t now_ms);
void forget_waiting(PeerState& state, uint32_t count);
void note_time(uint64_t& average_us, uint64_t time_us);

}  // namespace ringx

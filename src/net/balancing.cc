#include "net/balancing.h"

#include <algorithm>

namespace ringx {
namespace {

constexpr int64_t full_share = 1000;

// Each worker reads its clock once in a turn, so what another one has just noted may lie ahead of ours.
uint64_t elapsed_ms(uint64_t since_ms, uint64_t now_ms) { return now_ms > since_ms ? now_ms - since_ms : 0; }

bool has_failed(const Candidate& peer, uint64_t now_ms) {
    const PeerRules& rules = *peer.rules;
    const PeerState& state = *peer.state;
    return rules.max_fails != 0 && state.fails >= rules.max_fails &&
           elapsed_ms(state.checked_ms, now_ms) <= rules.fail_timeout_ms;
}

// How much of its weight a peer has now, of full_share: after it came back it grows from nothing.
int64_t share_of(const Candidate& peer, uint64_t now_ms) {
    uint64_t back_for_ms = elapsed_ms(peer.state->back_ms, now_ms);
    if (back_for_ms >= peer.rules->slow_start_ms) return full_share;
    return std::max<int64_t>(static_cast<int64_t>(back_for_ms * full_share / peer.rules->slow_start_ms), 1);
}

// One step of the smooth round robin: each peer that takes part is owed its weight, and whoever is owed most has its
// turn and pays all of it.
class Turn {
 public:
    Turn(Candidates peers, uint64_t now_ms) : peers_(peers), now_ms_(now_ms) {}

    void take_part(size_t index) {
        PeerState& state = *peers_[index].state;
        int64_t owed = state.effective_weight * share_of(peers_[index], now_ms_);
        state.current_weight += owed;
        total_ += owed;
        if (state.effective_weight < peers_[index].rules->weight) ++state.effective_weight;
        if (best_ == no_peer || state.current_weight > peers_[best_].state->current_weight) best_ = index;
    }

    size_t end() {
        if (best_ != no_peer) peers_[best_].state->current_weight -= total_;
        return best_;
    }

 private:
    Candidates peers_;
    uint64_t now_ms_;
    size_t best_ = no_peer;
    int64_t total_ = 0;
};

// The sign says whether the load of `a` is less than, equal to or more than that of `b`, for their weights.
template <typename Load>
int compare(const Candidate& a, const Candidate& b, const Load& load, uint64_t now_ms) {
    auto weight = [&](const Candidate& peer) {
        return static_cast<__int128>(peer.rules->weight) * share_of(peer, now_ms);
    };
    __int128 of_a = weight(b) * load(a), of_b = weight(a) * load(b);
    return of_a < of_b ? -1 : of_a > of_b;
}

// Those with the least load; when there are several, one of them in turn.
template <typename Load>
size_t choose_least(Candidates peers, const TriedPeers& tried, uint64_t now_ms, const Load& load) {
    size_t best = no_peer;
    bool several = false;
    auto may_be = [&](size_t i) { return !tried.has(i) && is_available(peers[i], now_ms); };
    for (size_t i = 0; i < peers.size(); ++i) {
        if (!may_be(i)) continue;
        int order = best == no_peer ? -1 : compare(peers[i], peers[best], load, now_ms);
        if (order < 0) best = i;
        if (order <= 0) several = order == 0;
    }
    if (!several) return best;
    Turn turn(peers, now_ms);
    for (size_t i = best; i < peers.size(); ++i) {
        if (may_be(i) && compare(peers[i], peers[best], load, now_ms) == 0) turn.take_part(i);
    }
    return turn.end();
}

uint64_t connections_of(const Candidate& peer) { return peer.state->connections; }

void measure_waiting(PeerState& state, uint64_t now_ms) {
    if (state.waiting == 0) return;
    uint64_t average_ms = state.waited_ms / state.waiting + elapsed_ms(state.waiting_since_ms, now_ms);
    note_time(state.waiting_us, average_ms * 1000);
}

// Until now all of them have waited.
void add_up_waiting(PeerState& state, uint64_t now_ms) {
    state.waited_ms += elapsed_ms(state.waiting_since_ms, now_ms) * state.waiting;
    state.waiting_since_ms = std::max(state.waiting_since_ms, now_ms);
}

// How long a peer is likely to need for what it has to do and one request more.
uint64_t expected_us(const Candidate& peer, TimeRules rules, uint64_t now_ms) {
    constexpr uint64_t most_us = 5'000'000;  // slower ones are all equally bad
    constexpr uint64_t step_us = 20'000;     // times that differ by less are the same
    const PeerState& state = *peer.state;
    uint64_t time_us = rules.until == TimeRules::Until::header ? state.header_us : state.response_us;
    // One that was not asked for long is given another chance to show that it is faster now.
    uint64_t halvings = elapsed_ms(state.checked_ms, now_ms) / (peer.rules->fail_timeout_ms + 1);
    time_us = halvings < 64 ? time_us >> halvings : 0;
    if (state.waiting > 0) time_us = std::max(time_us, state.waiting_us);
    time_us = time_us > most_us ? most_us : time_us + step_us - time_us % step_us;
    return time_us * (1 + state.connections);
}

}  // namespace

void TriedPeers::add(size_t index) {
    if (index < word_bits) {
        first_ |= uint64_t{1} << index;
        return;
    }
    index -= word_bits;
    if (index >= more_.size()) more_.resize(index + 1);
    more_[index] = true;
}

bool TriedPeers::has_far(size_t index) const { return index - word_bits < more_.size() && more_[index - word_bits]; }

bool can_be_asked(const Candidate& peer, uint64_t now_ms) {
    if (peer.rules->down || peer.state->unhealthy != 0 || has_failed(peer, now_ms)) return false;
    return peer.rules->max_conns == 0 || peer.state->connections < peer.rules->max_conns;
}

bool is_available(const Candidate& peer, uint64_t now_ms) { return !peer.rules->drain && can_be_asked(peer, now_ms); }

bool lacks_room(const Candidate& peer, uint64_t now_ms) {
    PeerRules rules = *peer.rules;
    if (rules.max_conns == 0 || peer.state->connections < rules.max_conns) return false;
    rules.max_conns = 0;
    return is_available({&rules, peer.state}, now_ms);
}

size_t choose_in_turn(Candidates peers, const TriedPeers& tried, uint64_t now_ms) {
    Turn turn(peers, now_ms);
    for (size_t i = 0; i < peers.size(); ++i) {
        if (!tried.has(i) && is_available(peers[i], now_ms)) turn.take_part(i);
    }
    return turn.end();
}

size_t choose_least_connected(Candidates peers, const TriedPeers& tried, uint64_t now_ms) {
    return choose_least(peers, tried, now_ms, connections_of);
}

size_t choose_fastest(Candidates peers, const TriedPeers& tried, TimeRules rules, uint64_t now_ms) {
    for (const Candidate& peer : peers) measure_waiting(*peer.state, now_ms);
    return choose_least(peers, tried, now_ms,
                        [&](const Candidate& peer) { return expected_us(peer, rules, now_ms); });
}

size_t choose_better_of_two(Candidates peers, const TriedPeers& tried, const TimeRules* by_time, Dice& dice,
                            KeySearch& search, uint64_t now_ms) {
    size_t one = choose_at_random(peers, tried, dice, search, now_ms);
    if (one == no_peer) return no_peer;
    TriedPeers others = tried;
    others.add(one);
    size_t other = choose_at_random(peers, others, dice, search, now_ms);
    if (other == no_peer) return no_peer;
    auto load = [&](const Candidate& peer) {
        return by_time == nullptr ? connections_of(peer) : expected_us(peer, *by_time, now_ms);
    };
    return compare(peers[other], peers[one], load, now_ms) > 0 ? one : other;
}

void note_choice(const Candidate& peer, uint64_t now_ms) {
    PeerState& state = *peer.state;
    ++state.requests;
    state.chosen_ms = now_ms;
    // One that had failed and is given another chance: if it fails again, the time begins anew.
    if (elapsed_ms(state.checked_ms, now_ms) > peer.rules->fail_timeout_ms) state.checked_ms = now_ms;
}

bool note_failure(const Candidate& peer, uint64_t now_ms) {
    const PeerRules& rules = *peer.rules;
    PeerState& state = *peer.state;
    ++state.fails;
    state.failed_ms = state.checked_ms = now_ms;
    if (rules.max_fails == 0) return false;
    state.effective_weight = std::max<int64_t>(state.effective_weight - rules.weight / rules.max_fails, 0);
    return state.fails == rules.max_fails;
}

void note_success(const Candidate& peer, uint64_t now_ms) {
    PeerState& state = *peer.state;
    // Only one that was chosen since its last failure has shown anything.
    if (state.failed_ms >= state.checked_ms) return;
    bool was_unavailable = peer.rules->max_fails != 0 && state.fails >= peer.rules->max_fails;
    if (was_unavailable) state.back_ms = now_ms;
    state.fails = 0;
}

void note_waiting(PeerState& state, uint64_t now_ms) {
    add_up_waiting(state, now_ms);
    ++state.waiting;
}

void note_waited(PeerState& state, uint64_t waited_ms, uint64_t now_ms) {
    add_up_waiting(state, now_ms);
    state.waited_ms -= std::min(state.waited_ms, waited_ms);
    if (--state.waiting == 0) state.waited_ms = 0;
}

// They had waited for as long as the others, on average.
void forget_waiting(PeerState& state, uint32_t count) {
    if (count == 0) return;
    state.waited_ms -= state.waited_ms / state.waiting * count;
    state.waiting -= count;
}

void note_time(uint64_t& average_us, uint64_t time_us) {
    constexpr uint64_t memory = 20;  // the newest counts for a twentieth
    average_us = average_us == 0 ? time_us : (average_us * (memory - 1) + time_us + memory / 2) / memory;
}

}  // namespace ringx

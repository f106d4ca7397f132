#include "net/balancing.h"

#include <algorithm>

namespace ringx {
namespace {

bool has_failed(const Candidate& peer, uint64_t now_ms) {
    const PeerRules& rules = *peer.rules;
    const PeerState& state = *peer.state;
    return rules.max_fails != 0 && state.fails >= rules.max_fails &&
           now_ms - state.checked_ms <= rules.fail_timeout_ms;
}

// One step of the smooth round robin: each peer that takes part is owed its weight, and whoever is owed most has its
// turn and pays all of it.
class Turn {
 public:
    explicit Turn(Candidates peers) : peers_(peers) {}

    void take_part(size_t index) {
        PeerState& state = *peers_[index].state;
        state.current_weight += state.effective_weight;
        total_ += state.effective_weight;
        if (state.effective_weight < peers_[index].rules->weight) ++state.effective_weight;
        if (best_ == no_peer || state.current_weight > peers_[best_].state->current_weight) best_ = index;
    }

    size_t end() {
        if (best_ != no_peer) peers_[best_].state->current_weight -= total_;
        return best_;
    }

 private:
    Candidates peers_;
    size_t best_ = no_peer;
    int64_t total_ = 0;
};

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

bool is_available(const Candidate& peer, uint64_t now_ms) {
    if (peer.rules->down || has_failed(peer, now_ms)) return false;
    return peer.rules->max_conns == 0 || peer.state->connections < peer.rules->max_conns;
}

size_t choose_in_turn(Candidates peers, const TriedPeers& tried, uint64_t now_ms) {
    Turn turn(peers);
    for (size_t i = 0; i < peers.size(); ++i) {
        if (!tried.has(i) && is_available(peers[i], now_ms)) turn.take_part(i);
    }
    return turn.end();
}

void note_choice(const Candidate& peer, uint64_t now_ms) {
    PeerState& state = *peer.state;
    ++state.connections;
    ++state.requests;
    state.chosen_ms = now_ms;
    // One that had failed and is given another chance: if it fails again, the time begins anew.
    if (now_ms - state.checked_ms > peer.rules->fail_timeout_ms) state.checked_ms = now_ms;
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

void note_success(const Candidate& peer) {
    // Only one that was chosen since its last failure has shown anything.
    if (peer.state->failed_ms < peer.state->checked_ms) peer.state->fails = 0;
}

}  // namespace ringx

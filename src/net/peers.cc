#include "net/peers.h"

#include <algorithm>

#include "base/check.h"
#include "base/format.h"

namespace ringx {

WorkerPeers::OfGroup& WorkerPeers::of(const std::shared_ptr<const PeerGroup>& group) {
    auto known = groups_.find(group.get());
    if (known != groups_.end()) {
        if (known->second.group.lock() == group) return known->second;
        groups_.erase(known);
    }
    OfGroup& made = groups_[group.get()];
    made.group = group;
    for (const PeerServer& server : group->servers) made.addresses.push_back(server.addresses);
    made.roster = make_roster(group, made);
    // Those of generations that have gone, and then the states that only they knew.
    std::erase_if(groups_, [](const auto& entry) { return entry.second.group.expired(); });
    std::erase_if(states_, [](const auto& entry) { return entry.second.expired(); });
    return made;
}

std::shared_ptr<PeerRoster> WorkerPeers::roster(const std::shared_ptr<const PeerGroup>& group) {
    return of(group).roster;
}

void WorkerPeers::resolved(const std::shared_ptr<const PeerGroup>& group, size_t server,
                           std::span<const Address> addresses) {
    OfGroup& ours = of(group);
    CHECK(server < ours.addresses.size());
    if (std::ranges::is_permutation(addresses, ours.addresses[server])) return;
    ours.addresses[server].assign(addresses.begin(), addresses.end());
    ours.roster = make_roster(group, ours);
}

std::shared_ptr<PeerState> WorkerPeers::state_of(const std::string& key, const PeerRules& rules) {
    auto& known = states_[key];
    auto state = known.lock();
    if (state == nullptr) {
        state = std::make_shared<PeerState>(PeerState::fresh(rules));
        known = state;
    }
    return state;
}

std::shared_ptr<PeerRoster> WorkerPeers::make_roster(const std::shared_ptr<const PeerGroup>& group,
                                                     const OfGroup& ours) {
    auto roster = std::make_shared<PeerRoster>();
    roster->group_ = group;
    for (bool backup : {false, true}) {
        for (size_t i = 0; i < group->servers.size(); ++i) {
            const PeerServer& server = group->servers[i];
            if (server.backup != backup) continue;
            for (const Address& address : ours.addresses[i]) {
                roster->peers_.push_back({.server = &server, .address = address, .text = address.text()});
            }
        }
        if (!backup) roster->primaries_ = roster->peers_.size();
    }
    std::map<std::string, unsigned> times;  // one address may stand there more than once
    for (const Peer& peer : roster->peers_) {
        std::string key = text::format("{}\n{}\n{}", group->name, peer.server->name, peer.text);
        key += text::format("\n{}", times[key]++);
        const PeerRules& rules = peer.server->rules;
        roster->states_.push_back(state_of(key, rules));
        roster->candidates_.push_back({.rules = &rules, .state = roster->states_.back().get()});
        roster->tries_ += !rules.down;
    }
    return roster;
}

PeerChoice::PeerChoice(std::shared_ptr<PeerRoster> roster)
    : roster_(std::move(roster)), tries_left_(roster_->tries_) {}

PeerChoice::~PeerChoice() {
    if (current_ != no_peer) (void)done({}, 0);
}

const Peer* PeerChoice::next(uint64_t now_ms) {
    CHECK(current_ == no_peer);
    current_ = choose(now_ms);
    if (current_ == no_peer) return nullptr;
    note_choice(roster_->candidates_[current_], now_ms);
    return &roster_->peers_[current_];
}

size_t PeerChoice::choose(uint64_t now_ms) {
    Candidates all = roster_->candidates_;
    if (!among_backups_) {
        size_t chosen = choose_among(0, all.first(roster_->primaries_), now_ms);
        if (chosen != no_peer || roster_->primaries_ == all.size()) return chosen;
        among_backups_ = true;
        tried_.clear();
    }
    return choose_among(roster_->primaries_, all.subspan(roster_->primaries_), now_ms);
}

size_t PeerChoice::choose_among(size_t first, Candidates peers, uint64_t now_ms) {
    if (peers.empty()) return no_peer;
    if (is_single()) {
        // There is no other one: its failures are not held against it.
        const Candidate& only = peers[0];
        bool is_full = only.rules->max_conns != 0 && only.state->connections >= only.rules->max_conns;
        return only.rules->down || is_full ? no_peer : first;
    }
    size_t chosen = choose_in_turn(peers, tried_, now_ms);
    if (chosen == no_peer) return no_peer;
    tried_.add(chosen);
    return first + chosen;
}

bool PeerChoice::done(const PeerOutcome& outcome, uint64_t now_ms) {
    CHECK(current_ != no_peer);
    const Candidate& peer = roster_->candidates_[current_];
    current_ = no_peer;
    --peer.state->connections;
    if (is_single()) {
        tries_left_ = 0;
        return false;
    }
    if (tries_left_ > 0) --tries_left_;
    if (outcome.failed) return note_failure(peer, now_ms);
    note_success(peer);
    return false;
}

}  // namespace ringx

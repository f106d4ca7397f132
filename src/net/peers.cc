#include "net/peers.h"

#include <netinet/in.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"
#include "base/format.h"
#include "base/siphash.h"

namespace ringx {
namespace {

std::string md5_text(std::string_view text) {
    unsigned char digest[16];
    size_t bytes = 0;
    CHECK(EVP_Q_digest(nullptr, "MD5", nullptr, text.data(), text.size(), digest, &bytes) == 1);
    std::string hex;
    for (unsigned char byte : digest) hex += text::format("{:02x}", byte);
    return hex;
}

}  // namespace

void PeerGroup::complete() {
    std::map<std::string_view, uint32_t> known;
    for (const PeerServer& server : servers) {
        uint32_t index = known.try_emplace(server.name, static_cast<uint32_t>(known.size())).first->second;
        in_ring.push_back(index);
        if (balance == Balance::by_ring && !server.backup) ring.add(index, server.name, server.rules.weight);
    }
    ring.complete();
}

std::string_view address_key(const Address& client) {
    if (client.family() == AF_INET) {
        const auto& v4 = *reinterpret_cast<const sockaddr_in*>(client.get());
        return {reinterpret_cast<const char*>(&v4.sin_addr), 3};
    }
    if (client.family() == AF_INET6) {
        const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(client.get());
        return {reinterpret_cast<const char*>(&v6.sin6_addr), 16};
    }
    return {"\0\0\0", 3};
}

WorkerPeers::WorkerPeers(const Lives& lives, Life self)
    : lives_(lives), self_(self), dice_(HashSeed::random().words[0]) {}

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
    CHECK(group->in_ring.size() == group->servers.size());
    auto roster = std::make_shared<PeerRoster>();
    roster->group_ = group;
    roster->dice_ = &dice_;
    for (bool backup : {false, true}) {
        for (size_t i = 0; i < group->servers.size(); ++i) {
            const PeerServer& server = group->servers[i];
            if (server.backup != backup) continue;
            for (const Address& address : ours.addresses[i]) {
                std::string text = address.text();
                std::string route = server.route.empty() ? md5_text(text) : server.route;
                roster->peers_.push_back({&server, address, std::move(text), std::move(route)});
                roster->in_ring_.push_back(group->in_ring[i]);
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
        roster->tries_ += !rules.down && !rules.drain;
    }
    return roster;
}

PeerChoice::PeerChoice(std::shared_ptr<PeerRoster> roster, PeerWish wish)
    : roster_(std::move(roster)), route_(wish.route), search_{.key = wish.key}, tries_left_(roster_->tries_) {}

PeerChoice::~PeerChoice() {
    if (current_ != no_peer) (void)done({}, 0);
}

const Peer* PeerChoice::next(uint64_t now_ms) {
    CHECK(current_ == no_peer);
    current_ = choose(now_ms);
    if (current_ == no_peer) return nullptr;
    const Candidate& peer = roster_->candidates_[current_];
    note_choice(peer, now_ms);
    is_waiting_ = group().time.inflight;
    if (is_waiting_) note_waiting(*peer.state, now_ms);
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
        PeerRules rules = *peers[0].rules;
        rules.max_fails = 0;
        return can_be_asked({&rules, peers[0].state}, now_ms) ? first : no_peer;
    }
    size_t chosen = route_.empty() ? no_peer : choose_bound(first, peers, now_ms);
    if (chosen == no_peer) chosen = choose_by_method(peers, now_ms);
    // Searches give up where going through all may still find one.
    if (chosen == no_peer) chosen = choose_in_turn(peers, tried_, now_ms);
    if (chosen == no_peer) return no_peer;
    tried_.add(chosen);
    return first + chosen;
}

size_t PeerChoice::choose_bound(size_t first, Candidates peers, uint64_t now_ms) const {
    for (size_t i = 0; i < peers.size(); ++i) {
        bool is_its = roster_->peers_[first + i].route == route_ && !tried_.has(i);
        if (is_its && can_be_asked(peers[i], now_ms)) return i;
    }
    return no_peer;
}

size_t PeerChoice::choose_by_method(Candidates peers, uint64_t now_ms) {
    const PeerGroup& group = *roster_->group_;
    Dice& dice = *roster_->dice_;
    if (group.balance == Balance::least_connected) return choose_least_connected(peers, tried_, now_ms);
    if (group.balance == Balance::fastest) return choose_fastest(peers, tried_, group.time, now_ms);
    if (peers.size() < 2) return no_peer;
    bool has_key = !search_.key.empty();
    switch (group.balance) {
        case Balance::in_turn:
        case Balance::least_connected:
        case Balance::fastest: break;
        case Balance::by_address: return choose_by_address(peers, tried_, search_, now_ms);
        case Balance::by_hash: return has_key ? choose_by_hash(peers, tried_, search_, now_ms) : no_peer;
        case Balance::by_ring:
            if (!has_key) return no_peer;
            return choose_by_ring(peers, tried_, group.ring, std::span(roster_->in_ring_).first(peers.size()), search_,
                                  now_ms);
        case Balance::at_random: return choose_at_random(peers, tried_, dice, search_, now_ms);
        case Balance::less_connected_of_two:
            return choose_better_of_two(peers, tried_, nullptr, dice, search_, now_ms);
        case Balance::faster_of_two:
            return choose_better_of_two(peers, tried_, &group.time, dice, search_, now_ms);
    }
    return no_peer;
}

void PeerChoice::end_waiting(uint64_t waited_us, uint64_t now_ms) {
    if (is_waiting_) note_waited(*roster_->candidates_[current_].state, waited_us / 1000, now_ms);
    is_waiting_ = false;
}

void PeerChoice::got_header(uint64_t header_us, uint64_t now_ms) {
    CHECK(current_ != no_peer);
    if (group().time.until == TimeRules::Until::header) end_waiting(header_us, now_ms);
}

bool PeerChoice::done(const PeerOutcome& outcome, uint64_t now_ms) {
    CHECK(current_ != no_peer);
    const Candidate& peer = roster_->candidates_[current_];
    end_waiting(outcome.response_us, now_ms);
    current_ = no_peer;
    --peer.state->connections;
    // Of failures no times are kept: who fails soon is not fast.
    if (!outcome.failed && outcome.header_us != 0) {
        note_time(peer.state->header_us, outcome.header_us);
        note_time(peer.state->response_us, outcome.response_us);
    }
    if (is_single()) {
        tries_left_ = 0;
        return false;
    }
    if (tries_left_ > 0) --tries_left_;
    if (outcome.failed) return note_failure(peer, now_ms);
    note_success(peer, now_ms);
    return false;
}

}  // namespace ringx

#include "net/peers.h"

#include <netinet/in.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"
#include "base/format.h"
#include "base/siphash.h"
#include "net/peer_queue.h"

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

WorkerPeers::WorkerPeers(const Lives& lives, Life self, Metrics::Writer* metrics)
    : lives_(lives), self_(self), metrics_(metrics), dice_(HashSeed::random().words[0]) {}

WorkerPeers::OfGroup& WorkerPeers::of(const std::shared_ptr<const PeerGroup>& group, PeerChecks checks) {
    auto known = groups_.find(group.get());
    if (known != groups_.end()) {
        if (known->second.group.lock() == group) return known->second;
        groups_.erase(known);
    }
    OfGroup& made = groups_[group.get()];
    made.group = group;
    made.checks = checks;
    made.queue = std::make_shared<PeerQueue>();
    for (const PeerServer& server : group->servers) {
        auto& found = made.found.emplace_back();
        for (const Address& address : server.addresses) found.push_back({.address = address});
    }
    if (group->zone != nullptr && group->plans != nullptr && group->plans->memory != nullptr) {
        made.plan = std::make_unique<SharedPeerPlan>(*group);
        (void)made.plan->follow();
    }
    made.roster = make_roster(group, made);
    bool are_many = groups_.size() + records_.size() >= entries_max_;
    if (group->zone != nullptr || are_many) forget_the_gone();
    return made;
}

// Groups of generations, or of single requests, that have gone, and then the records that only they had. Those in zones
// take others' room; for the rest it is not done at each new group, as there may be one for each request.
void WorkerPeers::forget_the_gone() {
    std::erase_if(groups_, [](const auto& entry) { return entry.second.group.expired(); });
    std::erase_if(records_, [](const auto& entry) { return entry.second.expired(); });
    entries_max_ = std::max(entries_min, 2 * (groups_.size() + records_.size()));
}

std::shared_ptr<PeerRoster> WorkerPeers::roster(const std::shared_ptr<const PeerGroup>& group) {
    OfGroup& ours = of(group);
    if (ours.plan != nullptr && ours.plan->is_behind() && ours.plan->follow()) replace_roster(group, ours);
    return ours.roster;
}

void WorkerPeers::replace_roster(const std::shared_ptr<const PeerGroup>& group, OfGroup& ours) {
    ours.roster = make_roster(group, ours);
    if (watcher_) watcher_(group);
}

const SharedPeerPlan* WorkerPeers::plan(const std::shared_ptr<const PeerGroup>& group) {
    return of(group).plan.get();
}

std::set<std::string> WorkerPeers::known_addresses(const std::shared_ptr<const PeerGroup>& group) {
    return of(group).addresses();
}

std::expected<void, PeerFault> WorkerPeers::change(const std::shared_ptr<const PeerGroup>& group,
                                                   std::string_view server, const PeerChange& change) {
    OfGroup& ours = of(group);
    if (ours.plan == nullptr) return std::unexpected(PeerFault::no_zone);
    bool is_added = change.kind == PeerChange::Kind::added;
    for (;;) {
        if (ours.plan->follow()) replace_roster(group, ours);
        bool is_there = ours.roster->has(server);
        if (is_there == is_added) return std::unexpected(is_there ? PeerFault::exists : PeerFault::unknown);
        PeerPlan plan = ours.plan->plan();
        plan.say(*group, ours.addresses(), server, change);
        auto written = ours.plan->write(std::move(plan));
        if (written == SharedPeerPlan::Written::no_room) return std::unexpected(PeerFault::no_room);
        if (written == SharedPeerPlan::Written::yes) break;
        // Another worker was first; it will not be for ever, as each is first once for each change it has.
    }
    replace_roster(group, ours);
    return {};
}

std::set<std::string> WorkerPeers::OfGroup::addresses() const {
    std::set<std::string> known;
    for (const auto& of_server : found) {
        for (const FoundPeer& peer : of_server) known.insert(peer.address.text());
    }
    return known;
}

void WorkerPeers::use_checks(const std::shared_ptr<const PeerGroup>& group, PeerChecks checks) {
    CHECK(of(group, checks).checks == checks);
}

void WorkerPeers::resolved(const std::shared_ptr<const PeerGroup>& group, size_t server,
                           std::span<const FoundPeer> peers) {
    OfGroup& ours = of(group);
    CHECK(server < ours.found.size());
    auto are_equal = [](const FoundPeer& a, const FoundPeer& b) {
        return a.address == b.address && a.weight == b.weight && a.backup == b.backup;
    };
    if (std::ranges::is_permutation(peers, ours.found[server], are_equal)) return;
    ours.found[server].assign(peers.begin(), peers.end());
    replace_roster(group, ours);
}

std::shared_ptr<PeerRecord> WorkerPeers::record_of(const std::shared_ptr<SharedZone>& zone, std::string key,
                                                   const PeerRules& rules, PeerChecks checks) {
    auto& known = records_[{zone.get(), key}];
    auto record = known.lock();
    if (record == nullptr) {
        record = std::make_shared<PeerRecord>(lives_, self_, zone, std::move(key), rules, checks);
        known = record;
    }
    return record;
}

// The peers a server has, as far as they are backups or are none.
void WorkerPeers::add_peers(PeerRoster& roster, const PeerGroup& group, size_t index, bool backup,
                            const OfGroup& ours) {
    const PeerServer& server = group.servers[index];
    std::vector<FoundPeer> added;
    if (server.added) {
        for (const Address& address : server.addresses) added.push_back({.address = address});
    }
    for (const FoundPeer& found : server.added ? added : ours.found[index]) {
        if ((server.backup || found.backup) != backup) continue;
        PeerRules rules = server.rules;
        if (rules.weight == 1 && found.weight != 0) rules.weight = found.weight;
        std::string text = found.address.text();
        // One address of a name may have been spoken of.
        const PeerChange* change = ours.plan == nullptr ? nullptr : ours.plan->plan().find(text);
        if (change != nullptr && change->kind == PeerChange::Kind::removed) continue;
        if (change != nullptr) change->apply_to(rules);
        std::string route = server.route.empty() && group.binds ? md5_text(text) : server.route;
        PeerCounts counts;
        if (metrics_ != nullptr && group.is_counted) {
            counts.own = &metrics_->own<PeerMetrics>(PeerMetrics::name(group.name, text));
        }
        if (metrics_ != nullptr && !group.status_zone.empty()) {
            counts.zone = &metrics_->own<PeerZoneMetrics>(group.status_zone);
        }
        roster.peers_.push_back({&server, rules, found.address, std::move(text), std::move(route), counts});
        roster.in_ring_.push_back(group.in_ring[index]);
    }
}

std::shared_ptr<PeerRoster> WorkerPeers::make_roster(const std::shared_ptr<const PeerGroup>& group,
                                                     const OfGroup& ours) {
    CHECK(group->in_ring.size() == group->servers.size());
    auto roster = std::make_shared<PeerRoster>();
    roster->group_ = group;
    roster->dice_ = &dice_;
    roster->queue_ = ours.queue;
    if (group->zone != nullptr) roster->zone_ = group->zone->memory;
    if (ours.plan != nullptr && !ours.plan->plan().empty()) {
        PeerGroup changed = ours.plan->plan().applied_to(*group, ours.addresses());
        roster->changed_ = std::make_shared<const PeerGroup>(std::move(changed));
    }
    const PeerGroup& now = roster->changed_ != nullptr ? *roster->changed_ : *group;
    for (bool backup : {false, true}) {
        for (size_t i = 0; i < now.servers.size(); ++i) {
            if (!now.servers[i].removed) add_peers(*roster, now, i, backup, ours);
        }
        if (!backup) roster->primaries_ = roster->peers_.size();
    }
    std::map<std::string, unsigned> times;  // one address may stand there more than once
    for (const Peer& peer : roster->peers_) {
        std::string key = text::format("{}\n{}\n{}", group->name, peer.server->name, peer.text);
        key += text::format("\n{}", times[key]++);
        const PeerRules& rules = peer.rules;
        roster->records_.push_back(record_of(roster->zone_, std::move(key), rules, ours.checks));
        roster->candidates_.push_back({.rules = &rules, .state = nullptr});
        roster->tries_ += !rules.down && !rules.drain;
    }
    PeerLock lock(roster->zone());
    for (size_t i = 0; i < roster->records_.size(); ++i) {
        roster->records_[i]->use(lock, *roster->candidates_[i].rules, ours.checks);
    }
    return roster;
}

bool PeerRoster::has(std::string_view server) const {
    auto keeper = group_.lock();
    const PeerGroup& now = changed_ != nullptr ? *changed_ : *keeper;
    return std::ranges::any_of(peers_, [=](const Peer& peer) { return peer.text == server; }) ||
           std::ranges::any_of(now.servers, [=](const PeerServer& one) { return one.name == server && !one.removed; });
}

Candidates PeerRoster::candidates(PeerLock& lock, uint64_t now_ms) {
    constexpr uint64_t between_looks_ms = 1000;
    uint32_t emptied = lock.zone() == nullptr ? 0 : lock.zone()->emptied();
    if (!emptied_ || *emptied_ != emptied) {
        for (size_t i = 0; i < records_.size(); ++i) {
            candidates_[i].state = &records_[i]->state(lock);
            news_.full |= records_[i]->has_no_room();
        }
        news_.repaired |= emptied_.has_value();
        emptied_ = emptied;
    }
    if (lock.zone() != nullptr && now_ms - looked_for_the_dead_ms_ >= between_looks_ms) {
        looked_for_the_dead_ms_ = now_ms;
        for (const auto& record : records_) record->forget_the_dead(lock);
    }
    return candidates_;
}

PeerState PeerRoster::state(size_t peer, uint64_t now_ms) {
    PeerLock lock(zone());
    return *candidates(lock, now_ms)[peer].state;
}

bool PeerRoster::set_healthy(size_t peer, bool healthy, uint64_t now_ms, uint32_t check) {
    PeerLock lock(zone());
    PeerState& state = *candidates(lock, now_ms)[peer].state;
    uint32_t bit = uint32_t{1} << check;
    bool was_healthy = state.unhealthy == 0;
    state.checked |= bit;
    state.unhealthy = healthy ? state.unhealthy & ~bit : state.unhealthy | bit;
    bool is_healthy = state.unhealthy == 0;
    if (is_healthy && !was_healthy) state.back_ms = now_ms;
    return is_healthy != was_healthy;
}

void PeerRoster::forget_check(size_t peer, uint32_t check, uint64_t now_ms) {
    PeerLock lock(zone());
    PeerState& state = *candidates(lock, now_ms)[peer].state;
    state.checked &= ~(uint32_t{1} << check);
    state.unhealthy |= uint32_t{1} << check;
}

bool PeerRoster::take_turn(size_t peer, uint64_t now_ms) {
    PeerLock lock(zone());
    (void)candidates(lock, now_ms);
    return records_[peer]->take_turn(lock);
}

void PeerRoster::give_up_turn(size_t peer, uint64_t now_ms) {
    PeerLock lock(zone());
    (void)candidates(lock, now_ms);
    records_[peer]->give_up_turn(lock);
}

bool PeerRoster::is_full(uint64_t now_ms) {
    PeerLock lock(zone());
    bool is_single = peers_.size() == 1;
    return std::ranges::any_of(candidates(lock, now_ms), [=](const Candidate& peer) {
        PeerRules rules = *peer.rules;
        if (is_single) rules.max_fails = 0;  // as when it is chosen
        return lacks_room({&rules, peer.state}, now_ms);
    });
}

PeerChoice::PeerChoice(std::shared_ptr<PeerRoster> roster, PeerWish wish)
    : roster_(std::move(roster)),
      group_(roster_->group_.lock()),
      route_(wish.route),
      search_{.key = wish.key},
      tries_left_(roster_->tries_) {
    CHECK(group_ != nullptr);
}

PeerChoice::~PeerChoice() {
    if (current_ == no_peer) return;
    PeerLock lock(roster_->zone());
    PeerRecord& record = *roster_->records_[current_];
    if (is_waiting_) record.end_waiting(lock, std::nullopt, 0);
    record.give_back(lock);
    roster_->queue_->call_first();
}

void PeerChoice::begin_again(std::shared_ptr<PeerRoster> roster) {
    CHECK(current_ == no_peer);
    if (roster != roster_) {
        roster_ = std::move(roster);
        tries_left_ = roster_->tries_;
    }
    tried_.clear();
    search_ = {.key = search_.key};
    among_backups_ = false;
}

const Peer* PeerChoice::next(uint64_t now_ms) {
    CHECK(current_ == no_peer);
    PeerLock lock(roster_->zone());
    Candidates all = roster_->candidates(lock, now_ms);
    current_ = choose(all, now_ms);
    if (current_ == no_peer) return nullptr;
    note_choice(all[current_], now_ms);
    PeerRecord& record = *roster_->records_[current_];
    record.hold(lock);
    is_waiting_ = group().time.inflight;
    if (is_waiting_) record.begin_waiting(lock, now_ms);
    return &roster_->peers_[current_];
}

size_t PeerChoice::choose(Candidates all, uint64_t now_ms) {
    if (!among_backups_) {
        size_t chosen = choose_among(0, all.first(roster_->primaries_), now_ms);
        if (chosen != no_peer || roster_->primaries_ == all.size()) return chosen;
        among_backups_ = true;
        tried_.clear();
        search_ = {.key = search_.key};
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
    if (chosen == no_peer) chosen = choose_by_method(first, peers, now_ms);
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

size_t PeerChoice::choose_by_method(size_t first, Candidates peers, uint64_t now_ms) {
    const PeerGroup& group = *group_;
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
            return choose_by_ring(peers, tried_, roster_->ring(group),
                                  std::span(roster_->in_ring_).subspan(first, peers.size()), search_, now_ms);
        case Balance::at_random: return choose_at_random(peers, tried_, dice, search_, now_ms);
        case Balance::less_connected_of_two:
            return choose_better_of_two(peers, tried_, nullptr, dice, search_, now_ms);
        case Balance::faster_of_two:
            return choose_better_of_two(peers, tried_, &group.time, dice, search_, now_ms);
    }
    return no_peer;
}

void PeerChoice::got_header(uint64_t header_us, uint64_t now_ms) {
    CHECK(current_ != no_peer);
    if (!is_waiting_ || group().time.until != TimeRules::Until::header) return;
    PeerLock lock(roster_->zone());
    roster_->records_[current_]->end_waiting(lock, header_us / 1000, now_ms);
    is_waiting_ = false;
}

bool PeerChoice::done(const PeerOutcome& outcome, uint64_t now_ms) {
    CHECK(current_ != no_peer);
    PeerLock lock(roster_->zone());
    roster_->records_[current_]->give_back(lock);
    roster_->queue_->call_first();
    return settle(lock, outcome, now_ms);
}

PeerHold PeerChoice::keep(const PeerOutcome& outcome, uint64_t now_ms) {
    CHECK(current_ != no_peer && !outcome.failed);
    PeerHold hold(roster_->zone_, roster_->records_[current_], roster_->queue_);
    PeerLock lock(roster_->zone());
    (void)settle(lock, outcome, now_ms);
    return hold;
}

PeerHold::~PeerHold() {
    if (record_ == nullptr) return;
    PeerLock lock(zone_.get());
    record_->give_back(lock);
    queue_->call_first();
}

bool PeerChoice::settle(PeerLock& lock, const PeerOutcome& outcome, uint64_t now_ms) {
    PeerRecord& record = *roster_->records_[current_];
    Candidate peer{.rules = roster_->candidates_[current_].rules, .state = &record.state(lock)};
    if (is_waiting_) record.end_waiting(lock, outcome.response_us / 1000, now_ms);
    is_waiting_ = false;
    if (outcome.failed) roster_->peers_[current_].counts.each([](PeerMetrics& metrics) { metrics.failed.add(1); });
    current_ = no_peer;
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

// net/peers.h - groups of servers that do the same work, and the choice of one of them for a request.
//
// A PeerGroup is what the configuration says, and never changes. A worker has a PeerRoster of each: the addresses its
// servers have now, each with where its state lies - in the group's zone, which all workers share, or in the worker's
// own memory. States are known by the names of group and server and by the address, so that they outlive reloads, and a
// changed list of servers keeps what is known of those that stay. A PeerChoice is one request's way through a roster:
// which peer to try, what came of it, which one next. There is no I/O in any of it.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/lives.h"
#include "base/metrics.h"
#include "net/address.h"
#include "net/balancing.h"
#include "net/peer_group.h"
#include "net/peer_metrics.h"
#include "net/peer_plan.h"
#include "net/peer_records.h"
#include "net/shared_peer_plan.h"

namespace ringx {

class PeerQueue;

// One address of a server.
struct Peer {
    const PeerServer* server;  // lives as long as the group
    PeerRules rules;           // the server's, or with the weight a name server has told
    Address address;
    std::string text;   // "127.0.0.1:80", "unix:/path": as logs and $upstream_addr show it
    std::string route;  // the server's; otherwise, where requests are bound, the MD5 of the text
    PeerCounts counts;  // this worker's
};

// What a request brings along, by which a peer may be chosen for it. Both live as long as the choice.
struct PeerWish {
    std::string_view key = {};    // of by_hash and by_ring; by_address: the bytes address_key() gives
    std::string_view route = {};  // of the peer it is bound to, as long as that can be asked
};
// The bytes of a client's address that count: three of IPv4, all of IPv6. They point into the address, or are constant.
std::string_view address_key(const Address& client);

// What came of trying a peer.
struct PeerOutcome {
    bool failed = false;  // it counts against the peer (max_fails)
    // Of an answer that was taken; in microseconds from when the try began. 0: there was none.
    uint64_t header_us = 0;
    uint64_t response_us = 0;
};

// What a name server says of a name. Of services (SRV) those with the best priority are no backups.
struct FoundPeer {
    Address address;
    uint32_t weight = 0;  // 0: the server's; otherwise it holds for a server whose own weight is 1
    bool backup = false;
};

// The peers of a group in this worker. One that is replaced lives on for the choices that began with it.
class PeerRoster {
 public:
    // REQUIRES: somebody keeps the group, as choices do.
    const PeerGroup& group() const { return *group_.lock(); }
    std::span<const Peer> peers() const { return peers_; }  // primaries, then backups

    bool is_backup(size_t peer) const { return peer >= primaries_; }
    // Whether it has a peer with this address, as text, or a server of this name.
    bool has(std::string_view server) const;

    // What has happened to a peer, by its index.
    PeerState state(size_t peer, uint64_t now_ms);
    // A health check of the group has found out about it. True when requests see a difference.
    bool set_healthy(size_t peer, bool healthy, uint64_t now_ms, uint32_t check = 0);
    // It is to be checked anew before it is asked again.
    void forget_check(size_t peer, uint32_t check, uint64_t now_ms);
    // Whether it is this worker's turn to check it; see PeerRecord.
    bool take_turn(size_t peer, uint64_t now_ms);
    void give_up_turn(size_t peer, uint64_t now_ms);

    // Those of this worker that wait until a peer has room.
    PeerQueue& queue() { return *queue_; }
    // Whether there is a peer that only wants room. Otherwise waiting would be in vain.
    bool is_full(uint64_t now_ms);

    // What the log wants to know of its zone, told once.
    struct ZoneNews {
        bool repaired = false;  // it had to be emptied
        bool full = false;      // workers count alone
    };
    ZoneNews take_news() { return std::exchange(news_, {}); }

 private:
    friend class WorkerPeers;
    friend class PeerChoice;

    SharedZone* zone() const { return zone_.get(); }
    const HashRing& ring(const PeerGroup& group) const { return changed_ != nullptr ? changed_->ring : group.ring; }
    // REQUIRES: the lock is that of the zone.
    Candidates candidates(PeerLock& lock, uint64_t now_ms);

    std::weak_ptr<const PeerGroup> group_;  // weak: who goes with a group cannot keep it
    std::shared_ptr<const PeerGroup> changed_;  // as it is with its plan; null: as the configuration has it
    std::shared_ptr<SharedZone> zone_;  // null: there is none
    std::shared_ptr<PeerQueue> queue_;
    std::vector<Peer> peers_;
    std::vector<std::shared_ptr<PeerRecord>> records_;
    std::vector<Candidate> candidates_;  // of all peers, in this order
    std::vector<uint32_t> in_ring_;      // likewise, when there is a ring
    std::optional<uint32_t> emptied_;    // how often the zone was, when the candidates were found
    uint64_t looked_for_the_dead_ms_ = 0;
    ZoneNews news_;
    Dice* dice_ = nullptr;
    size_t primaries_ = 0;
    uint32_t tries_ = 0;  // how many are not down
};

// Why what was said about a server does not come into force.
enum class PeerFault : uint8_t { no_zone, unknown, exists, no_room };

// All rosters of a worker.
class WorkerPeers {
 public:
    // Without `metrics` nothing is counted there.
    WorkerPeers(const Lives& lives, Life self, Metrics::Writer* metrics = nullptr);

    std::shared_ptr<PeerRoster> roster(const std::shared_ptr<const PeerGroup>& group);

    // The one that has taken the place of this, if there is one. REQUIRES: somebody keeps the group.
    std::shared_ptr<PeerRoster> newest(const PeerRoster& roster) { return this->roster(roster.group_.lock()); }

    // The health checks of a group. REQUIRES: this comes before its first roster.
    void use_checks(const std::shared_ptr<const PeerGroup>& group, PeerChecks checks);
    // Called when a group has other peers; null: nobody is.
    void watch(std::function<void(const std::shared_ptr<const PeerGroup>&)> watcher) { watcher_ = std::move(watcher); }

    // Says something about a server of a group at run time, by its name or an address of it, for all workers: it is
    // added or removed, or has other rules from now on. Only groups with a zone can be changed.
    std::expected<void, PeerFault> change(const std::shared_ptr<const PeerGroup>& group, std::string_view server,
                                          const PeerChange& change);
    // What was said so far; null when nothing can be.
    const SharedPeerPlan* plan(const std::shared_ptr<const PeerGroup>& group);
    // The addresses the servers of the configuration have now, as text.
    std::set<std::string> known_addresses(const std::shared_ptr<const PeerGroup>& group);

    // A name of the group's was looked up: from now on its server, known by its index, has these peers.
    void resolved(const std::shared_ptr<const PeerGroup>& group, size_t server, std::span<const FoundPeer> peers);

 private:
    struct OfGroup {
        std::weak_ptr<const PeerGroup> group;
        std::vector<std::vector<FoundPeer>> found;  // of each server
        PeerChecks checks;
        std::unique_ptr<SharedPeerPlan> plan;  // null: it stays as it is
        std::shared_ptr<PeerQueue> queue;
        std::shared_ptr<PeerRoster> roster;

        std::set<std::string> addresses() const;
    };

    static constexpr size_t entries_min = 64;

    OfGroup& of(const std::shared_ptr<const PeerGroup>& group, PeerChecks checks = {});
    void replace_roster(const std::shared_ptr<const PeerGroup>& group, OfGroup& ours);
    void forget_the_gone();
    std::shared_ptr<PeerRoster> make_roster(const std::shared_ptr<const PeerGroup>& group, const OfGroup& ours);
    void add_peers(PeerRoster& roster, const PeerGroup& group, size_t index, bool backup, const OfGroup& ours);
    std::shared_ptr<PeerRecord> record_of(const std::shared_ptr<SharedZone>& zone, std::string key,
                                          const PeerRules& rules, PeerChecks checks);

    const Lives& lives_;
    Life self_;
    Metrics::Writer* metrics_;
    Dice dice_;
    std::function<void(const std::shared_ptr<const PeerGroup>&)> watcher_;
    std::unordered_map<const PeerGroup*, OfGroup> groups_;
    // States are worth the same as long as they lie in the same zone.
    std::map<std::pair<const SharedZone*, std::string>, std::weak_ptr<PeerRecord>> records_;
    size_t entries_max_ = entries_min;  // of both, before those are looked for that have gone
};

// A connection that goes on counting as one of a peer's when its request is over: a tunnel's. It keeps no group and no
// roster.
class PeerHold {
 public:
    PeerHold() = default;
    PeerHold(PeerHold&& other) noexcept = default;
    PeerHold& operator=(PeerHold&& other) = delete;
    ~PeerHold();

 private:
    friend class PeerChoice;
    PeerHold(std::shared_ptr<SharedZone> zone, std::shared_ptr<PeerRecord> record, std::shared_ptr<PeerQueue> queue)
        : zone_(std::move(zone)), record_(std::move(record)), queue_(std::move(queue)) {}

    std::shared_ptr<SharedZone> zone_;
    std::shared_ptr<PeerRecord> record_;  // null: nothing is held
    std::shared_ptr<PeerQueue> queue_;
};

// One request's way through the peers of a group. It lives in the frame of the exchange.
class PeerChoice {
 public:
    explicit PeerChoice(std::shared_ptr<PeerRoster> roster, PeerWish wish = {});
    PeerChoice(const PeerChoice&) = delete;
    PeerChoice& operator=(const PeerChoice&) = delete;
    ~PeerChoice();

    // The peer to try now; it counts as one connection of the peer's until done(). Null: there is no live one.
    // REQUIRES: done() was called for the one before.
    const Peer* next(uint64_t now_ms);

    // Nothing was tried so far, whatever next() has found; the group may have another roster by now. REQUIRES: next()
    // has given no peer.
    void begin_again(std::shared_ptr<PeerRoster> roster);

    // The head of an answer is here, so long after the try began.
    void got_header(uint64_t header_us, uint64_t now_ms);
    // What came of it. True when with this failure the peer became unavailable, which wants a line in the log.
    bool done(const PeerOutcome& outcome, uint64_t now_ms);
    // The same for an answer that was taken, but its connection counts for as long as this is kept.
    PeerHold keep(const PeerOutcome& outcome, uint64_t now_ms);

    // The peer being tried; null when there is none.
    const Peer* current() const { return current_ == no_peer ? nullptr : &roster_->peers_[current_]; }
    // How many more tries make sense (nginx's count: peers that are not down, less those that were tried).
    uint32_t tries_left() const { return tries_left_; }
    const PeerGroup& group() const { return *group_; }

 private:
    bool is_single() const { return roster_->peers_.size() == 1; }
    size_t choose(Candidates all, uint64_t now_ms);
    bool settle(PeerLock& lock, const PeerOutcome& outcome, uint64_t now_ms);
    size_t choose_among(size_t first, Candidates peers, uint64_t now_ms);
    size_t choose_bound(size_t first, Candidates peers, uint64_t now_ms) const;
    size_t choose_by_method(size_t first, Candidates peers, uint64_t now_ms);

    std::shared_ptr<PeerRoster> roster_;
    std::shared_ptr<const PeerGroup> group_;
    std::string_view route_;
    KeySearch search_;
    TriedPeers tried_;  // of the primaries, or of the backups
    size_t current_ = no_peer;
    uint32_t tries_left_;
    bool among_backups_ = false;
    bool is_waiting_ = false;  // its time is not known yet, and wanted
};

}  // namespace ringx

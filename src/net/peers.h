// net/peers.h - groups of servers that do the same work, and the choice of one of them for a request.
//
// A PeerGroup is what the configuration says, and never changes. A worker has a PeerRoster of each: the addresses its
// servers have now, each with where its state lies - in the group's zone, which all workers share, or in the worker's
// own memory. States are known by the names of group and server and by the address, so that they outlive reloads, and a
// changed list of servers keeps what is known of those that stay. A PeerChoice is one request's way through a roster:
// which peer to try, what came of it, which one next. There is no I/O in any of it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/lives.h"
#include "net/address.h"
#include "net/balancing.h"
#include "net/zones.h"

namespace ringx {

// One `server` of a group: an address, or a name for several.
struct PeerServer {
    std::string name;  // as written
    PeerRules rules;
    bool backup = false;
    std::vector<Address> addresses;  // what the name stood for when the configuration was read; empty: nothing
    // What has to be looked up while the server runs; empty when there is nothing to look up.
    std::string name_to_resolve;
    uint16_t port = 0;  // of what it resolves to
};

// The ways to choose.
enum class Balance : uint8_t { in_turn };

struct PeerGroup {
    std::string name;
    std::vector<PeerServer> servers;  // primaries and backups, as written
    Balance balance = Balance::in_turn;
    std::shared_ptr<const NamedZone> zone;  // null: each worker counts for itself
};

// One address of a server.
struct Peer {
    const PeerServer* server;  // lives as long as the group
    Address address;
    std::string text;  // "127.0.0.1:80", "unix:/path": as logs and $upstream_addr show it
};

// What came of trying a peer.
struct PeerOutcome {
    bool failed = false;  // it counts against the peer (max_fails)
    // Of an answer that came whole; in microseconds from when the try began.
    std::optional<uint64_t> header_us = std::nullopt;
    std::optional<uint64_t> response_us = std::nullopt;
};

// The peers of a group in this worker. One that is replaced lives on for the choices that began with it.
class PeerRoster {
 public:
    const PeerGroup& group() const { return *group_; }
    std::span<const Peer> peers() const { return peers_; }  // primaries, then backups

 private:
    friend class WorkerPeers;
    friend class PeerChoice;

    std::shared_ptr<const PeerGroup> group_;
    std::vector<Peer> peers_;
    std::vector<std::shared_ptr<PeerState>> states_;
    std::vector<Candidate> candidates_;  // of all peers, in this order
    size_t primaries_ = 0;
    uint32_t tries_ = 0;  // how many are not down
};

// All rosters of a worker.
class WorkerPeers {
 public:
    WorkerPeers(const Lives& lives, Life self) : lives_(lives), self_(self) {}

    std::shared_ptr<PeerRoster> roster(const std::shared_ptr<const PeerGroup>& group);

    // A name of the group's was looked up: from now on its server, known by its index, has these addresses.
    void resolved(const std::shared_ptr<const PeerGroup>& group, size_t server, std::span<const Address> addresses);

 private:
    struct OfGroup {
        std::weak_ptr<const PeerGroup> group;
        std::vector<std::vector<Address>> addresses;  // of each server
        std::shared_ptr<PeerRoster> roster;
    };

    OfGroup& of(const std::shared_ptr<const PeerGroup>& group);
    std::shared_ptr<PeerRoster> make_roster(const std::shared_ptr<const PeerGroup>& group, const OfGroup& ours);
    std::shared_ptr<PeerState> state_of(const std::string& key, const PeerRules& rules);

    [[maybe_unused]] const Lives& lives_;
    [[maybe_unused]] Life self_;
    std::unordered_map<const PeerGroup*, OfGroup> groups_;
    std::map<std::string, std::weak_ptr<PeerState>> states_;
};

// One request's way through the peers of a group. It lives in the frame of the exchange.
class PeerChoice {
 public:
    explicit PeerChoice(std::shared_ptr<PeerRoster> roster);
    PeerChoice(const PeerChoice&) = delete;
    PeerChoice& operator=(const PeerChoice&) = delete;
    ~PeerChoice();

    // The peer to try now; it counts as one connection of the peer's until done(). Null: there is no live one.
    // REQUIRES: done() was called for the one before.
    const Peer* next(uint64_t now_ms);

    // What came of it. True when with this failure the peer became unavailable, which wants a line in the log.
    bool done(const PeerOutcome& outcome, uint64_t now_ms);

    // The peer being tried; null when there is none.
    const Peer* current() const { return current_ == no_peer ? nullptr : &roster_->peers_[current_]; }
    // How many more tries make sense (nginx's count: peers that are not down, less those that were tried).
    uint32_t tries_left() const { return tries_left_; }
    const PeerGroup& group() const { return roster_->group(); }

 private:
    bool is_single() const { return roster_->peers_.size() == 1; }
    size_t choose(uint64_t now_ms);
    size_t choose_among(size_t first, Candidates peers, uint64_t now_ms);

    std::shared_ptr<PeerRoster> roster_;
    TriedPeers tried_;  // of the primaries, or of the backups
    size_t current_ = no_peer;
    uint32_t tries_left_;
    bool among_backups_ = false;
};

}  // namespace ringx

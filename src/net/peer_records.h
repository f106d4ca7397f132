// net/peer_records.h - what has happened to one peer, as a worker sees it: in its own memory, or in a shared zone.
//
// In a zone a peer's state has a share for each worker, marked with the worker's life: what it holds of the peer's
// counts. When a worker has died, whoever looks next takes its share out of the sums. A worker also knows by itself
// what it holds, and puts it there again when the zone was emptied; what failures and times were known is lost then.
// States stay in the zone when no worker has a record of them any more, and go when room is wanted.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/lives.h"
#include "base/shared_table.h"
#include "net/balancing.h"

namespace ringx {

// The lock of a zone, or of nothing: a worker needs none for its own memory.
class PeerLock {
 public:
    explicit PeerLock(SharedZone* zone) {
        if (zone != nullptr) lock_.emplace(*zone);
    }
    SharedZone::Lock* zone() { return lock_ ? &*lock_ : nullptr; }

 private:
    std::optional<SharedZone::Lock> lock_;
};

class PeerRecord {
 public:
    // Null zone: the worker's own memory. Keys are unique in a zone.
    PeerRecord(const Lives& lives, Life self, std::shared_ptr<SharedZone> zone, std::string key,
               const PeerRules& rules, PeerChecks checks)
        : lives_(lives),
          self_(self),
          zone_(std::move(zone)),
          key_(std::move(key)),
          weight_(rules.weight),
          checks_(checks) {
        own_ = PeerState::fresh(weight_, checks_);
    }
    PeerRecord(const PeerRecord&) = delete;
    PeerRecord& operator=(const PeerRecord&) = delete;
    ~PeerRecord();

    // REQUIRES, of all that follow: the lock is that of its zone.

    // Where the state lies, as long as the lock is held.
    PeerState& state(PeerLock& lock);
    // Other rules are in force, and other health checks.
    void use(PeerLock& lock, const PeerRules& rules, PeerChecks checks);

    // Whether it is this worker's turn to check its health. It is as long as the worker lives, or until it gives it up.
    bool take_turn(PeerLock& lock);
    void give_up_turn(PeerLock& lock);

    // A connection more, and one less.
    void hold(PeerLock& lock);
    void give_back(PeerLock& lock);
    // A request begins to wait for its answer; it has it now, after so long, or nobody wants it any more.
    void begin_waiting(PeerLock& lock, uint64_t now_ms);
    void end_waiting(PeerLock& lock, std::optional<uint64_t> waited_ms, uint64_t now_ms);

    // Takes out what processes held that have died.
    void forget_the_dead(PeerLock& lock);

    // The zone has no room for it: this worker counts alone.
    bool has_no_room() const { return has_no_room_; }

 private:
    struct Share;
    struct Entry;
    using Table = SharedTable<Entry>;

    void attach(SharedZone::Lock& lock);
    Entry* find_entry(SharedZone::Lock& lock);
    Share* make_share(SharedZone::Lock& lock, Entry& entry);
    void make_room(SharedZone::Lock& lock, Table& table);
    bool has_living_share(SharedZone::Lock& lock, const Entry& entry) const;
    static void take_out(PeerState& state, const Share& share);
    Share* share(PeerLock& lock);

    const Lives& lives_;
    Life self_;
    std::shared_ptr<SharedZone> zone_;
    std::string key_;
    uint32_t weight_;
    PeerChecks checks_;
    PeerState own_;
    uint32_t connections_ = 0, waiting_ = 0;  // what this worker holds
    // Where in the zone it is, as long as the zone was not emptied since.
    std::optional<uint32_t> emptied_;
    Slab::Place entry_ = 0, share_ = 0;
    bool has_no_room_ = false;
};

}  // namespace ringx

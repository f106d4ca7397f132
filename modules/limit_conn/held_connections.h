// modules/limit_conn/held_connections.h - how many requests of a key are under way, in all workers together.
//
// In the zone each key has a count for each worker that serves it, marked with the worker's life: when that ends,
// however it does, its counts are worth nothing. A worker also knows by itself what it has counted, and counts it again
// when the zone was emptied because somebody died while writing there. So nothing is ever lost, nor stays for ever.
#pragma once

#include <map>
#include <memory>
#include <string_view>

#include "base/arena.h"
#include "base/list.h"
#include "base/lives.h"
#include "base/shared_table.h"

namespace ringx::http {

class HeldConnections;

// One that is counted: until it is given back, or its request's arena is reset.
class HeldConnection : public ListNode {
 public:
    HeldConnection(HeldConnections& all, std::shared_ptr<SharedZone> zone, std::string_view key)
        : all_(all), zone_(std::move(zone)), key_(key) {}
    // In the place of the other one, which is given back without a difference.
    HeldConnection(HeldConnection& other, std::string_view key);
    ~HeldConnection() { give_back(); }
    void give_back();
    std::string_view key() const { return key_; }

 private:
    friend class HeldConnections;
    HeldConnections& all_;
    std::shared_ptr<SharedZone> zone_;
    std::string_view key_;
};

// Those of a worker.
class HeldConnections {
 public:
    HeldConnections(const Lives& lives, Life self) : lives_(lives), self_(self) {}

    enum class Outcome : uint8_t { held, limit_reached, zone_full };
    struct Taken {
        Outcome outcome;
        HeldConnection* held;  // in the arena, when it is
        bool repaired;  // the zone had to be emptied
    };
    // Counts one more of this key, unless there are `max` already.
    Taken take(Arena& arena, const std::shared_ptr<SharedZone>& zone, std::string_view key, uint64_t max);

 private:
    friend class HeldConnection;
    struct Share;
    struct Entry;
    struct OfZone {
        List<HeldConnection> held;
        uint32_t emptied = 0;  // as the zone counts it: when this differs, what is held has to be counted again
    };
    using Table = SharedTable<Entry>;

    void restore(SharedZone::Lock& lock, OfZone& ours);
    uint64_t count(SharedZone::Lock& lock, Entry& entry);
    bool add(SharedZone::Lock& lock, Table& table, std::string_view key);
    void drop_dead(SharedZone::Lock& lock, Table& table);
    void release(HeldConnection& held);

    const Lives& lives_;
    Life self_;
    std::map<SharedZone*, OfZone> zones_;  // those something is held of
};

}  // namespace ringx::http

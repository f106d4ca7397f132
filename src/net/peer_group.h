// net/peer_group.h - a group of servers that do the same work, as the configuration has it.
//
// It never changes. What was said at run time makes another one of it (net/peer_plan), which a worker has for itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/balancing.h"
#include "net/hash_ring.h"
#include "net/zones.h"

namespace ringx {

// One `server` of a group: an address, or a name for several.
struct PeerServer {
    std::string name;  // as written
    PeerRules rules;
    bool backup = false;
    std::string route;  // what requests that are bound to it carry; empty: each address has its own
    std::vector<Address> addresses;  // what the name stood for when the configuration was read; empty: nothing
    // What has to be looked up while the server runs; empty when there is nothing to look up. With `resolve` again and
    // again, as long as answers are good for; otherwise once, because the configuration knew no address.
    std::string name_to_resolve;
    bool resolve = false;
    std::string service;  // the name is one of a service (SRV)
    uint16_t port = 0;    // of what it resolves to, when that has none
    // At run time (net/peer_plan): it was taken out and takes no part; it was put in, the configuration knows it not.
    bool removed = false;
    bool added = false;
};

// The ways to choose, as net/balancing has them.
enum class Balance : uint8_t {
    in_turn,
    least_connected,
    fastest,
    by_address,
    by_hash,
    by_ring,
    at_random,
    less_connected_of_two,
    faster_of_two,
};

// The others look for a server by jumping to and fro, and know no backups and no slow start.
constexpr bool takes_turns(Balance balance) { return balance <= Balance::fastest; }

struct PeerGroup {
    std::string name;
    std::vector<PeerServer> servers;  // primaries and backups, as written
    Balance balance = Balance::in_turn;
    TimeRules time;                         // of the fastest
    bool is_counted = false;                // in the metrics: clients have not chosen its name
    std::string status_zone;                // where its servers are counted together; empty: nowhere
    bool binds = false;                     // requests may be bound to a peer: each has a route
    bool is_saved = false;                  // what is said of its servers at run time is written to the configuration
    std::shared_ptr<const NamedZone> zone;  // null: each worker counts for itself
    // Where what was said at run time is kept (net/shared_peer_plan); null: nothing can be.
    std::shared_ptr<const NamedZone> plans;

    HashRing ring;                   // of the primaries; made by complete()
    std::vector<uint32_t> in_ring;   // which server of the ring each one is: those of one name are one

    // Call it when all servers are there.
    void complete();
};

}  // namespace ringx

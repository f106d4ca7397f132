// net/peer_plan.h - what was said at run time about the servers of a group: where it departs from the configuration.
//
// A server is known by its name, or by the address of a peer. What was said holds over what the configuration says,
// field by field, also over that of a later generation: a reload changes what nobody has touched, and keeps the rest.
// Where the configuration is written along, a reload may have read a server there that is removed before the reload has
// ended: so what was removed is remembered, the last thousand of what had come at run time. A plan is a value, made of
// bytes and back again (net/shared_peer_plan), and knows nothing of requests.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "net/peer_group.h"

namespace ringx {

// What was said of one server.
struct PeerChange {
    enum class Kind : uint32_t { changed, added, removed };
    enum Field : uint32_t {
        weight = 1,
        max_conns = 2,
        max_fails = 4,
        fail_timeout = 8,
        slow_start = 16,
        down = 32,
        drain = 64,
        backup = 128,
        route = 256,
        all = 511,
    };

    Kind kind = Kind::changed;
    uint32_t given = 0;  // the fields it is about
    PeerRules rules = {};
    bool is_backup = false;
    std::string bound_to = {};  // its route

    void apply_to(PeerRules& rules) const;
    void apply_to(PeerServer& server) const;
    // What is said later holds over what was said before.
    void add(const PeerChange& later);
};

class PeerPlan {
 public:
    // So many removals are not made while a reload is under way.
    static constexpr size_t withdrawn_max = 1000;

    bool empty() const { return changes_.empty(); }
    const PeerChange* find(std::string_view server) const;

    // Something is said about the server of this name or address, which is there, or is not if it is added. Addresses
    // the servers of the configuration have now are `known`, as text.
    void say(const PeerGroup& group, const std::set<std::string>& known, std::string_view server,
             const PeerChange& change);

    // The group as it is with this plan: first all servers of the configuration, in its order, then those that were
    // added, in theirs. An added one whose address the others have by now is left to them.
    PeerGroup applied_to(const PeerGroup& group, const std::set<std::string>& known) const;

    std::string encode() const;
    // REQUIRES: encode() has made the bytes.
    static PeerPlan decode(std::string_view bytes);

 private:
    struct Said {
        PeerChange change;
        uint32_t turn = 0;          // in which servers were added or withdrawn
        bool is_withdrawn = false;  // it had been added, and the configuration did not know it
    };

    void forget_withdrawn(const PeerGroup& group, const std::set<std::string>& known);

    std::map<std::string, Said, std::less<>> changes_;
    uint32_t turns_ = 0;
};

}  // namespace ringx

// net/peer_names.h - a worker's care for servers that are known by name: it looks them up while the server runs.
//
// A name that was unknown when the configuration was read is looked up until it is found; one with `resolve` again and
// again, as long as answers are good for. Nobody waits for that: requests go to the addresses that are known, and when
// a name server fails these stay. Only an answer that there is no such name takes them away.
#pragma once

#include <memory>
#include <vector>

#include "base/list.h"
#include "base/log.h"
#include "event/task.h"
#include "net/peers.h"
#include "net/resolver.h"

namespace ringx {

// A group, and whom to ask for its names.
struct NamedGroup {
    std::shared_ptr<const PeerGroup> group;
    std::shared_ptr<const ResolverRules> rules;  // null: as the system does it
    uint64_t limit_ms = 30'000;
};

class PeerNames {
 public:
    explicit PeerNames(Resolver& resolver) : resolver_(resolver) {}
    PeerNames(const PeerNames&) = delete;
    PeerNames& operator=(const PeerNames&) = delete;
    ~PeerNames() { CHECK(cares_.empty()); }

    // From now on it cares for these; `log` and `peers` are there as long as they are.
    void use(const std::vector<NamedGroup>& groups, WorkerPeers& peers, const Log* log);
    // Ends what is under way; nothing more is asked.
    void end();
    // How many names are cared for, those that are being ended included.
    size_t count() const { return count_; }

 private:
    struct Care;

    Conversation care_for(NamedGroup named, size_t server, WorkerPeers& peers);
    Task<uint64_t> look_up(Care& care);

    Resolver& resolver_;
    const Log* log_ = nullptr;
    List<Care> cares_;
    size_t count_ = 0;
};

}  // namespace ringx

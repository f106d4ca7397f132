// net/shared_peer_plan.h - the plan of a group (net/peer_plan), as one worker knows it and all workers have it.
//
// Plans lie in a zone of their own, which is locked only when one is written or read anew: whether there is news is one
// load of a number. So the zone of the peers, whose lock each request takes, may be emptied without a plan being lost.
// Should this one be emptied, each worker puts there what it knows, and the newest wins. A plan belongs to a group and
// the group's zone, and goes on as long as that does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/shared_zone.h"
#include "net/peer_group.h"
#include "net/peer_plan.h"

namespace ringx {

class SharedPeerPlan {
 public:
    static constexpr std::string_view zone_use = "upstream_plans";
    // Some ten thousand servers. Pages that nobody has touched cost nothing.
    static constexpr size_t zone_bytes = size_t{4} << 20;

    // REQUIRES: the group has a zone, and one for plans.
    explicit SharedPeerPlan(const PeerGroup& group);

    // What is known here.
    const PeerPlan& plan() const { return plan_; }
    uint64_t version() const { return version_; }

    // Whether others may have written something since.
    bool is_behind() const { return zone_->news() != seen_; }
    // True when there was another plan, which is known from now on.
    bool follow();

    // Writes it for all, unless there is one that is not known here.
    enum class Written { yes, is_behind, no_room };
    Written write(PeerPlan plan);

    // Up to which version the plan is kept elsewhere, too; see net/peer_state_file.
    uint64_t saved();
    void note_saved(uint64_t version);

 private:
    struct Stored;

    Written store(SharedZone::Lock& lock, std::string_view bytes, uint64_t version);

    std::shared_ptr<SharedZone> zone_;
    std::string key_;
    PeerPlan plan_;
    uint64_t version_ = 0;  // 0: there is none yet
    uint64_t seen_ = 0;
};

}  // namespace ringx

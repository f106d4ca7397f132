#include "net/shared_peer_plan.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/shared_table.h"

namespace ringx {

struct SharedPeerPlan::Stored {
    uint64_t version;  // a number of the zone's news, which goes on when the zone is emptied
    uint64_t saved;
    Slab::Place bytes_at;  // nowhere: there are none
    uint32_t bytes;
};

SharedPeerPlan::SharedPeerPlan(const PeerGroup& group)
    : zone_(group.plans->memory), key_(text::format("{}\n{}\n{}", group.zone->name, group.zone->bytes, group.name)) {
    CHECK(zone_ != nullptr);
}

bool SharedPeerPlan::follow() {
    SharedZone::Lock lock(*zone_);
    seen_ = lock.news();
    SharedTable<Stored> table(lock);
    Stored* stored = table.find(key_);
    if (stored == nullptr && version_ == 0) return false;
    if (stored == nullptr || stored->version < version_) {
        if (store(lock, plan_.encode(), version_) == Written::yes) seen_ = lock.tell_news();
        return false;
    }
    if (stored->version == version_) return false;
    plan_ = PeerPlan::decode({stored->bytes_at == 0 ? nullptr : lock.at<char>(stored->bytes_at), stored->bytes});
    version_ = stored->version;
    return true;
}

SharedPeerPlan::Written SharedPeerPlan::write(PeerPlan plan) {
    std::string bytes = plan.encode();
    SharedZone::Lock lock(*zone_);
    SharedTable<Stored> table(lock);
    Stored* stored = table.find(key_);
    if ((stored == nullptr ? 0 : stored->version) != version_) return Written::is_behind;
    // A version is a number nobody has seen; it is told when the plan is there.
    if (Written written = store(lock, bytes, lock.news() + 1); written != Written::yes) return written;
    seen_ = version_ = lock.tell_news();
    plan_ = std::move(plan);
    return Written::yes;
}

SharedPeerPlan::Written SharedPeerPlan::store(SharedZone::Lock& lock, std::string_view bytes, uint64_t version) {
    SharedTable<Stored> table(lock);
    Slab::Place place = bytes.empty() ? 0 : lock.allocate(bytes.size());
    if (place == 0 && !bytes.empty()) return Written::no_room;
    Stored* stored = table.find(key_);
    if (stored == nullptr) stored = table.insert(key_);
    if (stored == nullptr) {
        if (place != 0) lock.free(place);
        return Written::no_room;
    }
    if (place != 0) memcpy(lock.at<char>(place), bytes.data(), bytes.size());
    if (stored->bytes_at != 0) lock.free(stored->bytes_at);
    stored->bytes_at = place;
    stored->bytes = static_cast<uint32_t>(bytes.size());
    stored->version = version;
    return Written::yes;
}

uint64_t SharedPeerPlan::saved() {
    SharedZone::Lock lock(*zone_);
    Stored* stored = SharedTable<Stored>(lock).find(key_);
    return stored == nullptr ? 0 : stored->saved;
}

void SharedPeerPlan::note_saved(uint64_t version) {
    SharedZone::Lock lock(*zone_);
    Stored* stored = SharedTable<Stored>(lock).find(key_);
    if (stored != nullptr) stored->saved = std::max(stored->saved, version);
}

}  // namespace ringx

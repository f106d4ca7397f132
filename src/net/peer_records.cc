#include "net/peer_records.h"

#include <algorithm>

#include "base/check.h"

namespace ringx {

// What one worker holds of a peer's counts.
struct PeerRecord::Share {
    Life life;
    uint32_t connections;
    uint32_t waiting;
    Slab::Place next;
    uint32_t unused;
};

struct PeerRecord::Entry {
    PeerState state;
    Slab::Place shares;
    uint32_t unused;
};

PeerRecord::~PeerRecord() {
    CHECK(connections_ == 0 && waiting_ == 0);
    if (zone_ == nullptr || !emptied_ || has_no_room_) return;
    SharedZone::Lock lock(*zone_);
    if (lock.emptied() != *emptied_) return;
    Slab::Place* at = &lock.at<Entry>(entry_)->shares;
    while (*at != share_) at = &lock.at<Share>(*at)->next;
    *at = lock.at<Share>(share_)->next;
    lock.free(share_);
}

bool PeerRecord::has_living_share(SharedZone::Lock& lock, const Entry& entry) const {
    for (Slab::Place at = entry.shares; at != 0; at = lock.at<Share>(at)->next) {
        if (lives_.has(lock.at<Share>(at)->life)) return true;
    }
    return false;
}

// Removes the oldest of those that nobody alive has a record of.
void PeerRecord::make_room(SharedZone::Lock& lock, Table& table) {
    for (size_t left = table.size(); left > 0; --left) {
        Entry& oldest = *table.oldest();
        if (has_living_share(lock, oldest)) {
            table.renew(oldest);
            continue;
        }
        while (oldest.shares != 0) {
            Slab::Place share = oldest.shares;
            oldest.shares = lock.at<Share>(share)->next;
            lock.free(share);
        }
        return table.remove(oldest);
    }
}

PeerRecord::Entry* PeerRecord::find_entry(SharedZone::Lock& lock) {
    Table table(lock);
    Entry* entry = table.find(key_);
    if (entry != nullptr) return entry;
    entry = table.insert(key_);
    if (entry == nullptr) {
        make_room(lock, table);
        entry = table.insert(key_);
    }
    if (entry != nullptr) entry->state = PeerState::fresh(weight_, checks_);
    return entry;
}

PeerRecord::Share* PeerRecord::make_share(SharedZone::Lock& lock, Entry& entry) {
    for (Slab::Place at = entry.shares; at != 0; at = lock.at<Share>(at)->next) {
        CHECK(lock.at<Share>(at)->life != self_);  // a worker has one record of a peer
    }
    Slab::Place place = lock.allocate(sizeof(Share));
    if (place == 0) return nullptr;
    *lock.at<Share>(place) = {.life = self_, .connections = 0, .waiting = 0, .next = entry.shares, .unused = 0};
    entry.shares = place;
    return lock.at<Share>(place);
}

void PeerRecord::attach(SharedZone::Lock& lock) {
    emptied_ = lock.emptied();
    Entry* entry = find_entry(lock);
    Share* share = entry == nullptr ? nullptr : make_share(lock, *entry);
    has_no_room_ = share == nullptr;
    if (has_no_room_) {
        own_.connections = connections_;
        own_.waiting = waiting_;
        return;
    }
    entry_ = lock.place_of(entry);
    share_ = lock.place_of(share);
    share->connections = connections_;
    share->waiting = waiting_;
    entry->state.connections += connections_;
    entry->state.waiting += waiting_;
}

PeerState& PeerRecord::state(PeerLock& lock) {
    SharedZone::Lock* zone = lock.zone();
    CHECK((zone != nullptr) == (zone_ != nullptr));
    if (zone == nullptr) return own_;
    if (!emptied_ || *emptied_ != zone->emptied()) attach(*zone);
    return has_no_room_ ? own_ : zone->at<Entry>(entry_)->state;
}

PeerRecord::Share* PeerRecord::share(PeerLock& lock) {
    return lock.zone() == nullptr || has_no_room_ ? nullptr : lock.zone()->at<Share>(share_);
}

void PeerRecord::use(PeerLock& lock, const PeerRules& rules, PeerChecks checks) {
    PeerState& known = state(lock);
    // What failures took comes back turn by turn. Who lacks nothing has a greater weight at once.
    bool is_whole = known.effective_weight >= weight_;
    weight_ = rules.weight;
    checks_ = checks;
    known.effective_weight = is_whole ? weight_ : std::min<int64_t>(known.effective_weight, weight_);
    known.checked &= checks.all;
    known.unhealthy = (known.unhealthy & checks.all) | (checks.mandatory & ~known.checked);
}

bool PeerRecord::take_turn(PeerLock& lock) {
    PeerState& known = state(lock);
    if (known.checker != self_ && lives_.has(known.checker)) return false;
    known.checker = self_;
    return true;
}

void PeerRecord::give_up_turn(PeerLock& lock) {
    PeerState& known = state(lock);
    if (known.checker == self_) known.checker = {};
}

void PeerRecord::hold(PeerLock& lock) {
    ++state(lock).connections;
    if (Share* ours = share(lock)) ++ours->connections;
    ++connections_;
}

void PeerRecord::give_back(PeerLock& lock) {
    --state(lock).connections;
    if (Share* ours = share(lock)) --ours->connections;
    --connections_;
}

void PeerRecord::begin_waiting(PeerLock& lock, uint64_t now_ms) {
    note_waiting(state(lock), now_ms);
    if (Share* ours = share(lock)) ++ours->waiting;
    ++waiting_;
}

void PeerRecord::end_waiting(PeerLock& lock, std::optional<uint64_t> waited_ms, uint64_t now_ms) {
    PeerState& known = state(lock);
    if (waited_ms) {
        note_waited(known, *waited_ms, now_ms);
    } else {
        forget_waiting(known, 1);
    }
    if (Share* ours = share(lock)) --ours->waiting;
    --waiting_;
}

void PeerRecord::take_out(PeerState& state, const Share& share) {
    state.connections -= share.connections;
    forget_waiting(state, share.waiting);
}

void PeerRecord::forget_the_dead(PeerLock& lock) {
    PeerState& known = state(lock);
    if (share(lock) == nullptr) return;
    SharedZone::Lock& zone = *lock.zone();
    Slab::Place* at = &zone.at<Entry>(entry_)->shares;
    while (*at != 0) {
        Slab::Place place = *at;
        Share& theirs = *zone.at<Share>(place);
        if (lives_.has(theirs.life)) {
            at = &theirs.next;
            continue;
        }
        take_out(known, theirs);
        *at = theirs.next;
        zone.free(place);
    }
}

}  // namespace ringx

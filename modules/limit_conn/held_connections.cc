#include "modules/limit_conn/held_connections.h"

#include <algorithm>

namespace ringx::http {

// What one worker has of a key.
struct HeldConnections::Share {
    Life life;
    uint32_t count;
    Slab::Place next;
};

struct HeldConnections::Entry {
    Slab::Place shares;
    uint32_t unused;
};

void HeldConnection::give_back() {
    if (linked()) all_.release(*this);
}

HeldConnection::HeldConnection(HeldConnection& other, std::string_view key)
    : all_(other.all_), zone_(other.zone_), key_(key) {
    if (!other.linked()) return;
    other.unlink();
    all_.zones_.find(zone_.get())->second.held.push_back(*this);
}

// How many the living have; shares of the dead are thrown away.
uint64_t HeldConnections::count(SharedZone::Lock& lock, Entry& entry) {
    uint64_t sum = 0;
    Slab::Place* at = &entry.shares;
    while (*at != 0) {
        Slab::Place place = *at;
        auto& share = *lock.at<Share>(place);
        if (lives_.has(share.life)) {
            sum += share.count;
            at = &share.next;
        } else {
            *at = share.next;
            lock.free(place);
        }
    }
    return sum;
}

// Makes room: entries of which only the dead had something.
void HeldConnections::drop_dead(SharedZone::Lock& lock, Table& table) {
    for (size_t left = table.size(); left > 0; --left) {
        Entry* oldest = table.oldest();
        if (count(lock, *oldest) > 0) return;
        table.remove(*oldest);
    }
}

bool HeldConnections::add(SharedZone::Lock& lock, Table& table, std::string_view key) {
    Entry* entry = table.find(key);
    bool is_new = entry == nullptr;
    if (is_new) entry = table.insert(key);
    if (entry == nullptr) return false;
    for (Slab::Place at = entry->shares; at != 0; at = lock.at<Share>(at)->next) {
        auto& share = *lock.at<Share>(at);
        if (share.life != self_) continue;
        ++share.count;
        return true;
    }
    Slab::Place place = lock.allocate(sizeof(Share));
    if (place == 0) {
        if (is_new) table.remove(*entry);
        return false;
    }
    *lock.at<Share>(place) = {.life = self_, .count = 1, .next = entry->shares};
    entry->shares = place;
    return true;
}

// After the zone was emptied. What finds no room then is not counted: the limit lets one more in.
void HeldConnections::restore(SharedZone::Lock& lock, OfZone& ours) {
    if (ours.emptied == lock.emptied()) return;
    ours.emptied = lock.emptied();
    Table table(lock);
    ours.held.each([&](HeldConnection& held) { (void)add(lock, table, held.key_); });
}

HeldConnections::Taken HeldConnections::take(Arena& arena, const std::shared_ptr<SharedZone>& zone,
                                             std::string_view key, uint64_t max) {
    Taken taken{Outcome::held, nullptr, false};
    auto known = zones_.find(zone.get());
    {
        SharedZone::Lock lock(*zone);
        taken.repaired = lock.repaired();
        if (known == zones_.end()) {
            known = zones_.try_emplace(zone.get()).first;
            known->second.emptied = lock.emptied();
        }
        restore(lock, known->second);
        Table table(lock);
        Entry* entry = table.find(key);
        if (entry != nullptr && count(lock, *entry) >= max) {
            taken.outcome = Outcome::limit_reached;
        } else if (!add(lock, table, key)) {
            drop_dead(lock, table);
            if (!add(lock, table, key)) taken.outcome = Outcome::zone_full;
        }
    }
    if (taken.outcome == Outcome::held) {
        // A key may point into the bytes of the head, which are gone before what the arena holds.
        taken.held = arena.make<HeldConnection>(*this, zone, arena.copy(key));
        known->second.held.push_back(*taken.held);
    } else if (known->second.held.empty()) {
        zones_.erase(known);
    }
    return taken;
}

void HeldConnections::release(HeldConnection& held) {
    auto known = zones_.find(held.zone_.get());
    {
        SharedZone::Lock lock(*held.zone_);
        restore(lock, known->second);
        Table table(lock);
        Entry* entry = table.find(held.key_);
        Slab::Place* at = entry != nullptr ? &entry->shares : nullptr;
        while (at != nullptr && *at != 0 && lock.at<Share>(*at)->life != self_) at = &lock.at<Share>(*at)->next;
        if (at != nullptr && *at != 0 && --lock.at<Share>(*at)->count == 0) {
            Slab::Place place = *at;
            *at = lock.at<Share>(place)->next;
            lock.free(place);
        }
        if (entry != nullptr && entry->shares == 0) table.remove(*entry);
    }
    held.unlink();
    if (known->second.held.empty()) zones_.erase(known);
}

}  // namespace ringx::http

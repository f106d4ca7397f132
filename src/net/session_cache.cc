#include "net/session_cache.h"

#include <cstring>

#include "base/check.h"
#include "base/shared_table.h"

namespace ringx {
namespace {

// How many others may have to go for one session. Those of one page suffice, when they go in the order they came; the
// lock is not held for more.
constexpr int evictions_max = 64;

struct Kept {
    int64_t until;
};

using Table = SharedTable<Kept>;

// Two that are over make room for this one and for the next.
void remove_expired(Table& table, int64_t now) {
    for (int i = 0; i < 2; ++i) {
        Kept* oldest = table.oldest();
        if (oldest == nullptr || oldest->until >= now) return;
        table.remove(*oldest);
    }
}

}  // namespace

bool SessionCache::keep(std::string_view id, std::string_view session, int64_t until, int64_t now) {
    if (session.size() > session_bytes_max) return false;
    SharedZone::Lock lock(zone_);
    repaired_ |= lock.repaired();
    Table table(lock);
    if (Kept* before = table.find(id)) table.remove(*before);
    remove_expired(table, now);
    Kept* kept = table.insert(id, session.size());
    for (int i = 0; kept == nullptr && i < evictions_max; ++i) {
        Kept* oldest = table.oldest();
        if (oldest == nullptr) return false;
        table.remove(*oldest);
        kept = table.insert(id, session.size());
    }
    if (kept == nullptr) return false;
    kept->until = until;
    memcpy(table.bytes_behind(*kept).data(), session.data(), session.size());
    return true;
}

std::string_view SessionCache::find(std::string_view id, int64_t now, std::span<char> to) {
    CHECK(to.size() >= session_bytes_max);
    SharedZone::Lock lock(zone_);
    repaired_ |= lock.repaired();
    Table table(lock);
    Kept* kept = table.find(id);
    if (kept == nullptr) return {};
    if (kept->until < now) {
        table.remove(*kept);
        return {};
    }
    std::span<char> session = table.bytes_behind(*kept);
    memcpy(to.data(), session.data(), session.size());
    return {to.data(), session.size()};
}

void SessionCache::forget(std::string_view id) {
    SharedZone::Lock lock(zone_);
    repaired_ |= lock.repaired();
    Table table(lock);
    if (Kept* kept = table.find(id)) table.remove(*kept);
}

}  // namespace ringx

#include "net/staples.h"

#include <algorithm>

#include "base/shared_table.h"

namespace ringx {
namespace {

struct Staple {
    int64_t valid_until;  // of the response behind it, if there is one
    int64_t due;          // when to ask
    Life asker;
};

using Table = SharedTable<Staple>;

// Makes one, and room for it.
Staple* insert(Table& table, std::string_view key, size_t response_bytes) {
    for (;;) {
        Staple* made = table.insert(key, response_bytes);
        if (made != nullptr) return made;
        Staple* oldest = table.oldest();
        if (oldest == nullptr) return nullptr;
        table.remove(*oldest);
    }
}

}  // namespace

std::string Staples::find(std::string_view key) const {
    SharedZone::Lock lock(zone_);
    Table table(lock);
    Staple* staple = table.find(key);
    if (staple == nullptr || staple->valid_until < now_) return {};
    auto response = table.bytes_behind(*staple);
    return {response.data(), response.size()};
}

int64_t Staples::take_turn(std::string_view key, const Lives& lives, Life self) {
    SharedZone::Lock lock(zone_);
    Table table(lock);
    Staple* staple = table.find(key);
    if (staple == nullptr) staple = insert(table, key, 0);
    if (staple == nullptr || lives.has(staple->asker)) return look_again_max;
    // A clock that was set back does not keep anybody from asking for longer than it should.
    bool is_due = staple->due <= now_ || staple->due > now_ + refresh_seconds_max;
    if (!is_due) return std::min(staple->due - now_, look_again_max);
    staple->asker = self;
    return 0;
}

void Staples::keep(std::string_view key, std::string_view response, int64_t valid_until) {
    SharedZone::Lock lock(zone_);
    Table table(lock);
    if (Staple* before = table.find(key)) table.remove(*before);
    Staple* staple = insert(table, key, response.size());
    if (staple == nullptr) return;
    int64_t left = valid_until - now_;
    int64_t rest = left > 0 ? std::clamp<int64_t>(left / 2, 1, refresh_seconds_max) : retry_seconds;
    *staple = {.valid_until = valid_until, .due = now_ + rest, .asker = {}};
    std::ranges::copy(response, table.bytes_behind(*staple).begin());
}

void Staples::fail(std::string_view key) {
    SharedZone::Lock lock(zone_);
    Table table(lock);
    Staple* staple = table.find(key);
    if (staple == nullptr) return;  // it will be due when somebody looks
    staple->asker = {};
    staple->due = now_ + retry_seconds;
}

void Staples::give_up_turn(std::string_view key) {
    SharedZone::Lock lock(zone_);
    Table table(lock);
    if (Staple* staple = table.find(key)) staple->asker = {};
}

}  // namespace ringx

#include "base/shared_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace ringx {
namespace {

// Bytes of a zone for each bucket: few entries are smaller, so that buckets hold one or two of them when it is full.
constexpr size_t bytes_per_bucket = 128;

}  // namespace

struct SharedTableBase::Root {
    Slab::Place buckets;
    uint32_t mask;
    Slab::Place newest, oldest;
    uint64_t entries;
};

SharedTableBase::SharedTableBase(SharedZone::Lock& lock) : lock_(lock) {
    if (lock_.root() != 0) {
        root_ = lock_.at<Root>(lock_.root());
        return;
    }
    size_t count = std::bit_floor(std::max<size_t>(lock_.all_bytes() / bytes_per_bucket, 16));
    Slab::Place buckets = lock_.allocate(count * sizeof(Slab::Place));
    Slab::Place root = lock_.allocate(sizeof(Root));
    if (buckets == 0 || root == 0) {
        if (buckets != 0) lock_.free(buckets);
        return;
    }
    memset(lock_.at<char>(buckets), 0, count * sizeof(Slab::Place));
    root_ = lock_.at<Root>(root);
    *root_ = {.buckets = buckets, .mask = static_cast<uint32_t>(count - 1), .newest = 0, .oldest = 0, .entries = 0};
    lock_.root() = root;
}

size_t SharedTableBase::entries(SharedZone::Lock& lock) {
    return lock.root() == 0 ? 0 : lock.at<Root>(lock.root())->entries;
}

size_t SharedTableBase::size() const { return root_ == nullptr ? 0 : root_->entries; }

Slab::Place& SharedTableBase::bucket(uint32_t hash) {
    return lock_.at<Slab::Place>(root_->buckets)[hash & root_->mask];
}

// Makes it the newest.
void SharedTableBase::link(Entry& entry) {
    Slab::Place place = lock_.place_of(&entry);
    entry.newer = 0;
    entry.older = root_->newest;
    if (Entry* before = entry_at(root_->newest)) before->newer = place;
    else root_->oldest = place;
    root_->newest = place;
}

void SharedTableBase::unlink(Entry& entry) {
    Entry* newer = entry_at(entry.newer);
    Entry* older = entry_at(entry.older);
    (newer != nullptr ? newer->older : root_->newest) = entry.older;
    (older != nullptr ? older->newer : root_->oldest) = entry.newer;
}

void SharedTableBase::renew(Entry& entry) {
    unlink(entry);
    link(entry);
}

SharedTableBase::Entry* SharedTableBase::find(std::string_view key) {
    if (root_ == nullptr) return nullptr;
    auto hash = static_cast<uint32_t>(siphash(lock_.seed(), key));
    for (Entry* entry = entry_at(bucket(hash)); entry != nullptr; entry = entry_at(entry->next)) {
        if (entry->hash != hash || entry->key() != key) continue;
        renew(*entry);
        return entry;
    }
    return nullptr;
}

SharedTableBase::Entry* SharedTableBase::insert(std::string_view key, size_t value_bytes) {
    CHECK(key.size() <= key_bytes_max);
    if (root_ == nullptr) return nullptr;
    Slab::Place place = lock_.allocate(sizeof(Entry) + value_bytes + key.size());
    if (place == 0) return nullptr;
    auto hash = static_cast<uint32_t>(siphash(lock_.seed(), key));
    Entry& entry = *lock_.at<Entry>(place);
    entry.hash = hash;
    entry.next = std::exchange(bucket(hash), place);
    entry.key_bytes = static_cast<uint32_t>(key.size());
    entry.value_bytes = static_cast<uint32_t>(value_bytes);
    memset(entry.value(), 0, value_bytes);
    memcpy(entry.value() + value_bytes, key.data(), key.size());
    link(entry);
    ++root_->entries;
    return &entry;
}

void SharedTableBase::remove(Entry& entry) {
    Slab::Place place = lock_.place_of(&entry);
    Slab::Place* at = &bucket(entry.hash);
    while (*at != place) at = &lock_.at<Entry>(*at)->next;
    *at = entry.next;
    unlink(entry);
    --root_->entries;
    lock_.free(place);
}

SharedTableBase::Entry* SharedTableBase::oldest() {
    return root_ == nullptr ? nullptr : entry_at(root_->oldest);
}

}  // namespace ringx

// base/shared_table.h - a hash table in a shared zone, whose entries know which of them was used longest ago.
//
// It is the root of its zone, made when the zone is empty, and lives under the zone's lock: one is made for as long as
// the lock is held, and pointers to values are good for as long. Values are plain data, made of zeroes, and may have
// bytes behind them. Keys are bytes; hashing is seeded, so that clients cannot choose keys that meet. A full zone
// refuses an entry; who wants room for it removes the oldest.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/shared_zone.h"

namespace ringx {

class SharedTableBase {
 public:
    static constexpr size_t key_bytes_max = 65535;

    size_t size() const;
    // How many entries the table of the zone has, whatever they are; 0 when there is no table yet.
    // REQUIRES: the zone is used for one.
    static size_t entries(SharedZone::Lock& lock);

 protected:
    struct Root;
    struct Entry {
        uint32_t hash;
        Slab::Place next;          // in its bucket
        Slab::Place newer, older;  // by use
        uint32_t key_bytes;
        uint32_t value_bytes;
        // the value, then the key

        char* value() { return reinterpret_cast<char*>(this + 1); }
        std::string_view key() { return {value() + value_bytes, key_bytes}; }
    };

    explicit SharedTableBase(SharedZone::Lock& lock);

    Entry* find(std::string_view key);
    Entry* insert(std::string_view key, size_t value_bytes);
    void remove(Entry& entry);
    Entry* oldest();
    void renew(Entry& entry);

 private:
    void link(Entry& entry);
    void unlink(Entry& entry);
    Slab::Place& bucket(uint32_t hash);
    Entry* entry_at(Slab::Place place) { return place == 0 ? nullptr : lock_.at<Entry>(place); }

    SharedZone::Lock& lock_;
    Root* root_ = nullptr;  // null: the zone has no room for it
};

template <typename Value>
class SharedTable : private SharedTableBase {
    static_assert(std::is_trivially_copyable_v<Value> && alignof(Value) <= 8);

 public:
    explicit SharedTable(SharedZone::Lock& lock) : SharedTableBase(lock) {}

    using SharedTableBase::size;

    // The value of that key, from now on the newest; null when there is none.
    Value* find(std::string_view key) { return value_of(SharedTableBase::find(key)); }
    // REQUIRES: there is none yet; the key is not longer than key_bytes_max. Null when the zone is full.
    Value* insert(std::string_view key, size_t bytes_behind = 0) {
        return value_of(SharedTableBase::insert(key, sizeof(Value) + bytes_behind));
    }
    std::span<char> bytes_behind(Value& value) {
        Entry& entry = *entry_of(value);
        return {entry.value() + sizeof(Value), entry.value_bytes - sizeof(Value)};
    }
    void remove(Value& value) { SharedTableBase::remove(*entry_of(value)); }
    // It is the newest from now on, as if it had been looked for.
    void renew(Value& value) { SharedTableBase::renew(*entry_of(value)); }
    // The one not used for longest; null when the table is empty.
    Value* oldest() { return value_of(SharedTableBase::oldest()); }

 private:
    static Value* value_of(Entry* entry) {
        return entry == nullptr ? nullptr : reinterpret_cast<Value*>(entry->value());
    }
    static Entry* entry_of(Value& value) { return reinterpret_cast<Entry*>(&value) - 1; }
};

}  // namespace ringx

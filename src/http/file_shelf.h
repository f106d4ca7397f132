// http/file_shelf.h - one open_file_cache: what is known of paths, the least recently used forgotten first.
//
// Bounded by the number of entries and by the bytes of content in memory. Order of use is kept to the second, so that a
// file in steady use costs no list operations. An entry below min_uses only counts. It neither opens nor reads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/list.h"
#include "http/file_cache.h"

namespace ringx::http {

// What is known of one path.
struct CachedPath : ListNode {
    // Its place in the order of use of those with content.
    struct Content : ListNode {
        explicit Content(CachedPath& whole) : path(whole) {}
        CachedPath& path;
    };
    static constexpr uint64_t never = ~uint64_t{0};

    uint64_t hash = 0;
    std::string path;
    Symlinks symlinks = Symlinks::follow;
    std::string symlinks_from;
    uint64_t directio_from = 0;

    FileRef file;                 // null while it only counts, or when there is an error
    Error error;                  // number 0: none
    uint32_t uses = 0;
    uint64_t used_ms = 0;
    uint64_t checked_ms = 0;
    uint64_t read_from_ms = never;  // when its content may be read into memory
    Content content{*this};
    std::unique_ptr<CachedPath> next;  // in its bucket

    bool knows() const { return file || error.number != 0; }
};

class FileShelf {
 public:
    // A hundred hot pages fit; a mirror of a distribution does not.
    static constexpr uint64_t content_total_max = 32 << 20;

    FileShelf(uint32_t entries_max, uint64_t inactive_ms) : entries_max_(entries_max), inactive_ms_(inactive_ms) {}
    FileShelf(const FileShelf&) = delete;
    FileShelf& operator=(const FileShelf&) = delete;
    ~FileShelf();

    bool is_for(const OpenRules& rules) const {
        return rules.cache_max == entries_max_ && rules.inactive_ms == inactive_ms_;
    }

    // The entry of this path under these rules, or null.
    CachedPath* find(std::string_view path, const OpenRules& rules);

    // Counts a use of the entry.
    void use(CachedPath& entry, uint64_t now_ms) {
        ++entry.uses;
        if (now_ms - entry.used_ms >= order_ms) move_up(entry, now_ms);
    }

    // A new entry, used once and knowing nothing. Others may have gone for it.
    // REQUIRES: find() gave null.
    CachedPath& add(std::string_view path, const OpenRules& rules, uint64_t now_ms);

    // Puts what was found out in the place of what was known: a file, an error, or neither.
    void learn(CachedPath& entry, FileRef file, Error error, uint64_t now_ms);

    // Forgets everything.
    void clear();

    size_t size() const { return count_; }
    uint64_t content_bytes() const { return content_bytes_; }

 private:
    // Uses within this time leave the order as it is.
    static constexpr uint64_t order_ms = 1000;

    void move_up(CachedPath& entry, uint64_t now_ms);
    void expire(uint64_t now_ms);
    void release_content(CachedPath& entry);
    void remove(CachedPath& entry);
    std::unique_ptr<CachedPath>& bucket_of(uint64_t hash) { return buckets_[hash & (buckets_.size() - 1)]; }

    uint32_t entries_max_;
    uint64_t inactive_ms_;
    size_t count_ = 0;
    uint64_t content_bytes_ = 0;
    uint64_t seed_ = 0;
    std::vector<std::unique_ptr<CachedPath>> buckets_;  // a power of two
    List<CachedPath> used_;                              // oldest first
    List<CachedPath::Content> contents_;                 // oldest first
};

}  // namespace ringx::http

#include "http/file_shelf.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace ringx::http {
namespace {

uint64_t word_at(const char* at, size_t bytes) {
    uint64_t word = 0;
    memcpy(&word, at, bytes);
    return word;
}

uint64_t mix(uint64_t a, uint64_t b) {
    auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Sixteen bytes a step. The seed is a secret, so that nobody can choose paths that fall into one bucket.
uint64_t hash_of(std::string_view path, uint64_t seed) {
    constexpr uint64_t odd = 0x9e3779b97f4a7c15;
    const char* at = path.data();
    size_t left = path.size();
    uint64_t state = seed ^ mix(left + odd, odd);
    for (; left > 16; at += 16, left -= 16) {
        state = mix(word_at(at, 8) ^ seed, word_at(at + 8, 8) ^ state ^ odd);
    }
    uint64_t low, high;
    if (left >= 8) {
        low = word_at(at, 8);
        high = word_at(at + left - 8, 8);
    } else {
        low = word_at(at, left);
        high = 0;
    }
    return mix(low ^ seed, high ^ state ^ odd);
}

}  // namespace

FileShelf::~FileShelf() { clear(); }

CachedPath* FileShelf::find(std::string_view path, const OpenRules& rules) {
    if (buckets_.empty()) return nullptr;
    uint64_t hash = hash_of(path, seed_);
    for (CachedPath* entry = bucket_of(hash).get(); entry != nullptr; entry = entry->next.get()) {
        if (entry->hash != hash || entry->path != path || entry->symlinks != rules.symlinks ||
            entry->directio_from != rules.directio_from || entry->symlinks_from != rules.symlinks_from) {
            continue;
        }
        return entry;
    }
    return nullptr;
}

void FileShelf::move_up(CachedPath& entry, uint64_t now_ms) {
    // What was not wanted for so long begins to count anew, as if it had been forgotten.
    if (now_ms - entry.used_ms > inactive_ms_) entry.uses = 1;
    entry.used_ms = now_ms;
    entry.unlink();
    used_.push_back(entry);
    if (entry.content.linked()) {
        entry.content.unlink();
        contents_.push_back(entry.content);
    }
    expire(now_ms);
}

// Forgets at most two entries that were not used for long: a bounded price for whoever comes by.
void FileShelf::expire(uint64_t now_ms) {
    for (int i = 0; i < 2 && !used_.empty(); ++i) {
        CachedPath& oldest = used_.front();
        if (now_ms - oldest.used_ms <= inactive_ms_) return;
        remove(oldest);
    }
}

CachedPath& FileShelf::add(std::string_view path, const OpenRules& rules, uint64_t now_ms) {
    if (buckets_.empty()) {
        buckets_.resize(std::bit_ceil(std::clamp<size_t>(entries_max_, 16, 1 << 20)));
        // Before the random pool is ready the seed is no secret, which only makes an attack possible, nothing wrong.
        if (getrandom(&seed_, sizeof seed_, GRND_NONBLOCK) < 0) seed_ = now_ms;
    }
    expire(now_ms);
    if (count_ >= entries_max_ && !used_.empty()) remove(used_.front());

    auto made = std::make_unique<CachedPath>();
    CachedPath& entry = *made;
    entry.hash = hash_of(path, seed_);
    entry.path = path;
    entry.symlinks = rules.symlinks;
    entry.symlinks_from = rules.symlinks_from;
    entry.directio_from = rules.directio_from;
    entry.uses = 1;
    entry.used_ms = now_ms;
    auto& bucket = bucket_of(entry.hash);
    made->next = std::move(bucket);
    bucket = std::move(made);
    used_.push_back(entry);
    ++count_;
    return entry;
}

void FileShelf::learn(CachedPath& entry, FileRef file, Error error, uint64_t now_ms) {
    release_content(entry);
    entry.file = std::move(file);
    entry.error = error;
    entry.checked_ms = now_ms;
    entry.read_from_ms = CachedPath::never;
    if (!entry.file || !entry.file->has_content) return;

    content_bytes_ += entry.file->content.size();
    contents_.push_back(entry.content);
    while (content_bytes_ > content_total_max) {
        CachedPath& oldest = contents_.front().path;
        if (&oldest == &entry) break;
        remove(oldest);
    }
}

void FileShelf::release_content(CachedPath& entry) {
    if (!entry.content.linked()) return;
    entry.content.unlink();
    content_bytes_ -= entry.file->content.size();
}

void FileShelf::remove(CachedPath& entry) {
    release_content(entry);
    entry.unlink();
    --count_;
    std::unique_ptr<CachedPath>* place = &bucket_of(entry.hash);
    while (place->get() != &entry) place = &(*place)->next;
    *place = std::move(entry.next);
}

void FileShelf::clear() {
    while (!used_.empty()) remove(used_.front());
    CHECK(count_ == 0 && content_bytes_ == 0);
}

}  // namespace ringx::http

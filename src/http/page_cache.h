// http/page_cache.h - whether a part of a file is in the page cache, and bringing it there.
//
// What is sent from a file that is not cached would make the loop wait for the disk. So it is asked first, and a thread
// of the blocking pool reads.
#pragma once

#include <cstdint>
#include <utility>

#include "base/fd.h"

namespace ringx::http {

// True when the range is, as far as one can tell, in the page cache: both ends are. Never waits for the disk.
bool is_cached(int file, uint64_t offset, uint32_t bytes);

// Brings files into the page cache without copying what it reads.
class PageCache {
 public:
    // `nowhere` is /dev/null, open for writing.
    explicit PageCache(Fd nowhere) : nowhere_(std::move(nowhere)) {}
    PageCache();

    // Waits until the range is there. Returns 0, or the error's number; a file that ends early is no error. Any thread
    // may call it.
    int fill(int file, uint64_t offset, uint32_t bytes) const;

 private:
    Fd nowhere_;
};

}  // namespace ringx::http

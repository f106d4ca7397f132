#include "http/page_cache.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ringx::http {

// Only the ends are asked for: reading brings in whole runs of pages. (cachestat(2) would know exactly, but answers
// only to the owner of a file.)
bool is_cached(int file, uint64_t offset, uint32_t bytes) {
    for (uint64_t at : {offset + bytes - 1, offset}) {
        char byte;
        iovec one{&byte, 1};
        ssize_t got = preadv2(file, &one, 1, static_cast<off_t>(at), RWF_NOWAIT);
        if (got < 0 && errno == EAGAIN) return false;
    }
    return true;
}

PageCache::PageCache() : PageCache(Fd(open("/dev/null", O_WRONLY | O_CLOEXEC))) {}

// sendfile(2) waits for each page, and passes on no more than references to it, which /dev/null drops: a fortieth of
// the time that pread(2) needs. Where that cannot be done the bytes are read.
int PageCache::fill(int file, uint64_t offset, uint32_t bytes) const {
    auto at = static_cast<off_t>(offset);
    off_t end = at + bytes;
    ssize_t got = 1;
    while (got > 0 && at < end) got = sendfile(nowhere_.get(), file, &at, static_cast<size_t>(end - at));
    if (got >= 0) return 0;

    char buffer[16 * 1024];
    do {
        got = pread(file, buffer, std::min<size_t>(sizeof buffer, static_cast<size_t>(end - at)), at);
        at += got;
    } while (got > 0 && at < end);
    return got < 0 ? errno : 0;
}

}  // namespace ringx::http

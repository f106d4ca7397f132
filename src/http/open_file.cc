#include "http/open_file.h"

#include <sys/uio.h>

#include <cerrno>
#include <charconv>
#include <memory>

#include "http/http_date.h"

namespace ringx::http {

void OpenFile::describe(const struct stat& status) {
    is_file = S_ISREG(status.st_mode);
    is_directory = S_ISDIR(status.st_mode);
    is_executable = (status.st_mode & S_IXUSR) != 0;
    size = static_cast<uint64_t>(status.st_size);
    modified = status.st_mtim.tv_sec;
    identity_ = {.device = status.st_dev,
                 .inode = status.st_ino,
                 .size = size,
                 .modified_ns = modified * 1'000'000'000 + status.st_mtim.tv_nsec,
                 .changed_seconds = status.st_ctim.tv_sec,
                 .changed_ns = status.st_ctim.tv_nsec};

    // nginx's form, so that clients keep what they have when a site moves from one to the other.
    char* end = etag + sizeof etag;
    char* at = etag;
    *at++ = '"';
    at = std::to_chars(at, end, static_cast<uint64_t>(modified), 16).ptr;
    *at++ = '-';
    at = std::to_chars(at, end, size, 16).ptr;
    *at++ = '"';
    etag_bytes = static_cast<uint8_t>(at - etag);
    write_http_date(modified, modified_text);
}

int OpenFile::read_content() {
    int error = 0;
    content.resize_and_overwrite(size, [&](char* bytes, size_t wanted) {
        iovec into{bytes, wanted};
        ssize_t got = wanted == 0 ? 0 : ::preadv2(fd.get(), &into, 1, 0, RWF_NOWAIT);
        if (got < 0) error = errno;
        return got < 0 ? 0 : static_cast<size_t>(got);
    });
    // Part of it in memory: the rest has to be waited for, or is no more.
    if (error == 0 && content.size() < size) error = content.empty() ? ENODATA : EAGAIN;
    has_content = error == 0;
    if (!has_content) content = {};
    return error;
}

FileRef FileRef::make() { return FileRef(std::make_unique<OpenFile>().release()); }

void FileRef::destroy(OpenFile* file) { std::unique_ptr<OpenFile> last(file); }

}  // namespace ringx::http

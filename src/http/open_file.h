// http/open_file.h - opened files: how they are opened, and the worker's cache of them.
//
// A file is opened beneath its root, never through a device or FIFO, without ever blocking the loop: at once when the
// kernel has all of the path in its caches, else by the engine. What is asked about a file is asked of the opened
// descriptor, so that what was checked is what is sent.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/fd.h"

namespace ringx::http {

// A file that is open, or what is known about a path that could not be opened. Shared by the cache and by the responses
// that send it; freed with the last of them. One worker, one thread: the count is no atomic.
class OpenFile {
 public:
    Fd fd;
    int error = 0;               // errno of a path that could not be opened; then the rest means nothing
    bool is_directory = false;
    uint64_t size = 0;
    int64_t modified = 0;        // seconds since 1970
    uint64_t inode = 0;
    uint64_t device = 0;
    std::string content;         // the whole file, when it is small and cached; see file_cache
    bool has_content = false;
    char etag[40];               // "hex-hex" with its quotes
    uint8_t etag_bytes = 0;
    char modified_text[29];      // IMF-fixdate

    std::string_view etag_view() const { return {etag, etag_bytes}; }
    std::string_view modified_view() const { return {modified_text, sizeof modified_text}; }

    // Fills in what fstat(2) said, and prints etag and date.
    void describe(const struct stat& status);

 private:
    friend class FileRef;
    uint32_t references_ = 0;
};

class FileRef {
 public:
    FileRef() = default;
    explicit FileRef(OpenFile* file) : file_(file) {
        if (file_ != nullptr) ++file_->references_;
    }
    FileRef(const FileRef& other) : FileRef(other.file_) {}
    FileRef(FileRef&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
    FileRef& operator=(FileRef other) noexcept {
        std::swap(file_, other.file_);
        return *this;
    }
    ~FileRef() {
        if (file_ != nullptr && --file_->references_ == 0) destroy(file_);
    }

    explicit operator bool() const { return file_ != nullptr; }
    OpenFile* operator->() const { return file_; }
    OpenFile* get() const { return file_; }

 private:
    static void destroy(OpenFile* file);
    OpenFile* file_ = nullptr;
};

}  // namespace ringx::http

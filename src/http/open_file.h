// http/open_file.h - an opened file, and how many hold it.
//
// What is asked about a file is asked of the opened descriptor, so that what was checked is what is sent. Size, dates,
// etag and the content in memory, if any, belong together: they are made once and never change.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/fd.h"

namespace ringx::http {

// Larger files are never held in memory: from here on sendfile costs less than the copy.
inline constexpr uint64_t content_bytes_max = 64 << 10;

// Shared by the cache and by the responses that send it; freed with the last of them. One worker, one thread: the count
// is no atomic.
class OpenFile {
 public:
    Fd fd;                       // none when it is neither a file nor a directory, or no longer needed
    bool is_file = false;
    bool is_directory = false;
    bool is_executable = false;  // by its owner
    bool has_content = false;
    bool is_direct = false;      // the descriptor is O_DIRECT
    bool is_remembered = false;  // by open_file_cache, which decides when to read the content
    uint64_t size = 0;
    int64_t modified = 0;        // seconds since 1970
    std::string content;         // the whole file, when `has_content`
    char etag[36];               // "hex-hex" with its quotes
    uint8_t etag_bytes = 0;
    char modified_text[29];      // IMF-fixdate

    std::string_view etag_view() const { return {etag, etag_bytes}; }
    std::string_view modified_view() const { return {modified_text, sizeof modified_text}; }

    // Fills in what fstat(2) said, and prints etag and date.
    void describe(const struct stat& status);

    // Reads the content of a file into memory, if the kernel has it in its own: 0, or the error. EAGAIN and EOPNOTSUPP
    // say that reading would have to wait; ENODATA that the file is not as long as it was.
    int read_content();

    // Whether it is the very same file and no byte of it was written in between, as far as its times can tell.
    bool same_as(const OpenFile& other) const { return identity_ == other.identity_; }

    // Written so lately that one more write could go unnoticed, because the clock of its times is coarse.
    bool is_fresh(int64_t now_seconds) const { return identity_.changed_seconds + 2 > now_seconds; }

 private:
    friend class FileRef;

    struct Identity {
        uint64_t device = 0;
        uint64_t inode = 0;
        uint64_t size = 0;
        int64_t modified_ns = 0;
        int64_t changed_seconds = 0;
        int64_t changed_ns = 0;
        friend bool operator==(const Identity&, const Identity&) = default;
    };

    Identity identity_;
    uint32_t references_ = 0;
};

class FileRef {
 public:
    FileRef() = default;
    explicit FileRef(OpenFile* file) : file_(file) {
        if (file_ != nullptr) ++file_->references_;
    }
    static FileRef make();

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
    OpenFile& operator*() const { return *file_; }
    OpenFile* get() const { return file_; }

 private:
    static void destroy(OpenFile* file);
    OpenFile* file_ = nullptr;
};

}  // namespace ringx::http

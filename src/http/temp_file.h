// http/temp_file.h - a file for what is too large to be kept in memory.
//
// It is made in a directory of the configuration under a number that nobody uses. Usually its name is removed at once,
// so that nothing is left behind, whatever becomes of the worker. Making one asks the file system and so belongs on a
// thread, and so do closing it, which gives its blocks back, and removing its name; see make_temp_file(). What is
// written goes through the engine.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "event/loop.h"
#include "event/task.h"
#include "net/temp_paths.h"

namespace ringx::http {

class TempFile {
 public:
    enum class Name : uint8_t {
        removed,     // at once
        until_used,  // soon after the file is destroyed
        kept,
    };

    TempFile() = default;
    TempFile(TempFile&& other) noexcept { *this = std::move(other); }
    TempFile& operator=(TempFile&& other) noexcept;
    ~TempFile() { end(); }

    // Blocks. The error's call is open or mkdir.
    static Result<TempFile> make(const TempPath& path, Name name);

    explicit operator bool() const { return static_cast<bool>(fd_); }
    int fd() const { return fd_.get(); }
    const std::string& path() const { return path_; }  // also when the name is gone
    // The name is somebody else's now.
    void keep() { name_ = Name::kept; }

 private:
    void end();

    friend Task<Result<TempFile>> make_temp_file(Loop& loop, const TempPath& path, TempFile::Name name);

    Fd fd_;
    std::string path_;
    Name name_ = Name::removed;
    BlockingPool* pool_ = nullptr;  // ends it; null: whoever destroys it waits
};

// The same on a thread of the loop's pool, where it will end as well. REQUIRES: the loop outlives the file.
Task<Result<TempFile>> make_temp_file(Loop& loop, const TempPath& path, TempFile::Name name);

// Writes all of it at `offset`.
Task<Result<>> write_to_file(Loop& loop, int fd, std::string_view data, uint64_t offset);

}  // namespace ringx::http

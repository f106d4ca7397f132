// proc/pid_file.h - the file by which a running master is found.
//
// It appears when every socket listens, and goes with the master.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "base/result.h"

namespace ringx::proc {

// Present while it lives and was written; an empty path is no file.
class PidFile {
 public:
    PidFile() = default;
    PidFile(const PidFile&) = delete;
    PidFile& operator=(const PidFile&) = delete;
    ~PidFile() { remove(); }

    // Writes this process's number to `path`; what was written elsewhere before is removed. `made` is called when the
    // file is there and empty: whoever reads a number finds what that opened.
    Result<> write(const std::string& path, const std::function<void()>& made = {});
    void remove();
    // The file stays: it belongs to another process now.
    void forget() { path_.clear(); }
    const std::string& path() const { return path_; }

 private:
    std::string path_;
};

// Whether it could be written; leaves nothing behind.
Result<> test_pid_file(const std::string& path);

// The number in the file. The error is the sentence for the log, with the reason in `error`.
struct PidUnknown {
    std::string sentence;
    Error error;
};
std::expected<pid_t, PidUnknown> read_pid_file(const std::string& path);

}  // namespace ringx::proc

#include "proc/pid_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <string_view>

#include "base/fd.h"
#include "base/format.h"

namespace ringx::proc {

Result<> PidFile::write(const std::string& path, const std::function<void()>& made) {
    if (path == path_) return {};
    Fd file;
    if (!path.empty()) {
        file.reset(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644));
        if (!file) return fail("open");
    }
    if (made) made();
    if (file) {
        std::string line = std::to_string(getpid()) + "\n";
        if (::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) return fail("write");
    }
    remove();
    path_ = path;
    return {};
}

void PidFile::remove() {
    if (!path_.empty()) unlink(path_.c_str());
    path_.clear();
}

Result<> test_pid_file(const std::string& path) {
    if (path.empty()) return {};
    Fd made(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (made) {
        unlink(path.c_str());
        return {};
    }
    if (errno != EEXIST) return fail("open");
    Fd there(open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!there) return fail("open");
    return {};
}

std::expected<pid_t, PidUnknown> read_pid_file(const std::string& path) {
    Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::unexpected(PidUnknown{text::format("open() \"{}\" failed", path), Error{"open", errno}});
    char bytes[32];
    ssize_t size = read(file.get(), bytes, sizeof bytes);
    if (size < 0) return std::unexpected(PidUnknown{text::format("read() \"{}\" failed", path), Error{"read", errno}});
    std::string_view digits(bytes, static_cast<size_t>(size));
    digits = digits.substr(0, digits.find_last_not_of("\r\n") + 1);
    pid_t pid = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
    if (error != std::errc{} || end != digits.data() + digits.size() || pid <= 0) {
        return std::unexpected(PidUnknown{text::format("invalid PID number \"{}\" in \"{}\"", digits, path), {}});
    }
    return pid;
}

}  // namespace ringx::proc

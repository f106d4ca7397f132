#include "http/temp_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/format.h"
#include "event/wait.h"

namespace ringx::http {
namespace {

constexpr mode_t file_mode = 0600;
constexpr mode_t directory_mode = 0700;
constexpr int attempts_max = 1000;  // numbers others may have taken meanwhile

// Ten digits, as nginx's. Workers begin anywhere, so that they rarely meet.
std::string next_number() {
    static constexpr uint64_t numbers = 10'000'000'000;
    uint64_t number = 0;
    CHECK(getrandom(&number, sizeof number, 0) == sizeof number);
    return text::format("{:010}", number % numbers);
}

// "DIRECTORY/4/23/0000000234": each level takes digits from the end of what is left of the number.
std::string path_of(const TempPath& path, std::string_view number, std::vector<std::string>& directories) {
    std::string result(path.directory);
    std::string_view rest = number;
    for (uint8_t digits : path.levels) {
        if (digits == 0 || digits > rest.size()) break;
        result.append("/").append(rest.substr(rest.size() - digits));
        rest.remove_suffix(digits);
        directories.push_back(result);
    }
    return result.append("/").append(number);
}

}  // namespace

TempFile& TempFile::operator=(TempFile&& other) noexcept {
    if (this == &other) return *this;
    end();
    fd_ = std::move(other.fd_);
    path_ = std::move(other.path_);
    name_ = std::exchange(other.name_, Name::removed);
    pool_ = std::exchange(other.pool_, nullptr);
    return *this;
}

void TempFile::end() {
    if (!fd_) return;
    auto finish = [fd = std::move(fd_), path = std::move(path_), name = name_]() mutable {
        if (name == Name::until_used) unlink(path.c_str());
        fd.reset();
    };
    if (pool_ == nullptr) return finish();
    pool_->leave(std::move(finish));
}

Result<TempFile> TempFile::make(const TempPath& where, Name name) {
    constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    for (int attempt = 0;; ++attempt) {
        TempFile file;
        std::vector<std::string> directories;
        file.path_ = path_of(where, next_number(), directories);
        file.fd_ = Fd(open(file.path_.c_str(), flags, file_mode));
        if (!file.fd_ && errno == ENOENT) {
            for (const std::string& directory : directories) {
                if (mkdir(directory.c_str(), directory_mode) < 0 && errno != EEXIST) return fail("mkdir");
            }
            file.fd_ = Fd(open(file.path_.c_str(), flags, file_mode));
        }
        if (!file.fd_ && errno == EEXIST && attempt < attempts_max) continue;
        if (!file.fd_) return fail("open");
        file.name_ = name;
        if (name == Name::removed) unlink(file.path_.c_str());
        return file;
    }
}

Task<Result<TempFile>> make_temp_file(Loop& loop, const TempPath& path, TempFile::Name name) {
    struct Making {
        const TempPath& path;
        TempFile::Name name;
        Result<TempFile> made = TempFile();
    };
    Making making{path, name};
    auto make = [](void* context) {
        auto& job = *static_cast<Making*>(context);
        job.made = TempFile::make(job.path, job.name);
    };
    Blocking wait(loop, make, &making);
    co_await wait;
    if (making.made) making.made->pool_ = &loop.blocking();
    co_return std::move(making.made);
}

Task<Result<>> write_to_file(Loop& loop, int fd, std::string_view data, uint64_t offset) {
    while (!data.empty()) {
        Wait wait(loop, Operation::Kind::write, fd, "write");
        wait.data = const_cast<char*>(data.data());
        wait.bytes = static_cast<uint32_t>(std::min<size_t>(data.size(), 1 << 20));
        wait.offset = offset;
        Result<int> written = co_await wait;
        if (!written) co_return std::unexpected(written.error());
        if (*written == 0) co_return fail("write", ENOSPC);
        data.remove_prefix(static_cast<size_t>(*written));
        offset += static_cast<uint64_t>(*written);
    }
    co_return Result<>();
}

}  // namespace ringx::http

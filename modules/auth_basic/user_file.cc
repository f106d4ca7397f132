#include "modules/auth_basic/user_file.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"

namespace ringx::http {
namespace {

constexpr size_t file_bytes_max = size_t{64} << 20;

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

bool is_unchanged(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size && same_time(a.st_mtim, b.st_mtim) &&
           same_time(a.st_ctim, b.st_ctim);
}

Result<std::string> read_all(int fd, size_t bytes) {
    if (bytes > file_bytes_max) return fail("read", EFBIG);
    std::string text(bytes, '\0');
    size_t done = 0;
    while (done < text.size()) {
        ssize_t got = ::read(fd, text.data() + done, text.size() - done);
        if (got < 0) return fail("read");
        if (got == 0) break;  // it became shorter meanwhile; its times tell that it is to be read again
        done += static_cast<size_t>(got);
    }
    text.resize(done);
    return text;
}

}  // namespace

UserFile::UserFile(std::string text) : text_(std::move(text)) {
    std::string_view rest = text_;
    while (!rest.empty()) {
        size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        size_t colon = line.find(':');
        if (line.starts_with('#') || colon == line.npos) continue;
        std::string_view hash = line.substr(colon + 1);
        hashes_.emplace(line.substr(0, colon), hash.substr(0, hash.find_first_of(":\r")));
    }
}

UserFile::~UserFile() { explicit_bzero(text_.data(), text_.size()); }

Result<std::shared_ptr<const UserFile>> UserFile::read(const std::string& path,
                                                       std::shared_ptr<const UserFile> known) {
    // Nothing that a FIFO of that name could hold up.
    Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return fail("open");
    struct stat status;
    if (fstat(fd.get(), &status) != 0) return fail("fstat");
    if (S_ISDIR(status.st_mode)) return fail("read", EISDIR);
    if (known != nullptr && is_unchanged(known->status_, status)) return known;

    auto text = read_all(fd.get(), static_cast<size_t>(status.st_size));
    if (!text) return std::unexpected(text.error());
    auto file = std::make_shared<UserFile>(std::move(*text));
    file->status_ = status;
    return file;
}

std::optional<std::string_view> UserFile::hash_of(std::string_view user) const {
    auto found = hashes_.find(user);
    if (found == hashes_.end()) return std::nullopt;
    return found->second;
}

std::shared_ptr<const UserFile> UserFiles::find(const std::string& path) const {
    auto found = files_.find(path);
    return found == files_.end() ? nullptr : found->second;
}

void UserFiles::keep(const std::string& path, std::shared_ptr<const UserFile> file) {
    if (files_.size() >= files_max && !files_.contains(path)) files_.erase(files_.begin());
    files_[path] = std::move(file);
}

}  // namespace ringx::http

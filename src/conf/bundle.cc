#include "conf/bundle.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/fd.h"

namespace ringx::conf {
namespace {

// The form of a serialized bundle: this mark, then the files, then the globs. Numbers are 64 bits in the byte order of
// the machine, texts are a length and their bytes: it passes between processes of one program only.
constexpr std::string_view mark = "ringx bundle 1\n";

// Errors name their call by a literal; these are the ones that occur here.
constexpr std::array<const char*, 4> calls = {"", "open", "read", "glob"};

uint64_t index_of(const char* call) {
    for (size_t i = 0; i < calls.size(); ++i) {
        if (std::string_view(calls[i]) == call) return i;
    }
    return 0;
}

class Writer {
 public:
    void number(uint64_t n) { bytes_.append(reinterpret_cast<const char*>(&n), sizeof n); }
    void text(std::string_view s) {
        number(s.size());
        bytes_ += s;
    }
    void error(const Error& e) {
        number(index_of(e.call));
        number(static_cast<uint64_t>(e.number));
    }
    void raw(std::string_view s) { bytes_ += s; }
    std::string take() { return std::move(bytes_); }

 private:
    std::string bytes_;
};

// After the first thing that is not there, everything reads as nothing and ok() is false.
class Reader {
 public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}

    bool ok() const { return ok_; }
    bool at_end() const { return bytes_.empty(); }

    std::string_view raw(uint64_t length) {
        ok_ = ok_ && length <= bytes_.size();
        if (!ok_) return {};
        std::string_view taken = bytes_.substr(0, length);
        bytes_.remove_prefix(length);
        return taken;
    }
    uint64_t number() {
        uint64_t n = 0;
        std::string_view from = raw(sizeof n);
        if (ok_) std::memcpy(&n, from.data(), sizeof n);
        return n;
    }
    std::string text() { return std::string(raw(number())); }
    Error error() {
        uint64_t call = number();
        uint64_t errno_value = number();
        ok_ = ok_ && call < calls.size() && errno_value <= 4095;
        return ok_ ? Error{calls[call], static_cast<int>(errno_value)} : Error{};
    }

 private:
    std::string_view bytes_;
    bool ok_ = true;
};

Result<std::string> read_file(const std::string& path) {
    if (path.find('\0') != path.npos) return fail("open", EINVAL);
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd) return fail("open");
    std::string bytes;
    std::array<char, 16384> buffer;
    for (;;) {
        ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail("read");
        if (got == 0) return bytes;
        if (bytes.size() + static_cast<size_t>(got) > Bundle::file_bytes_max) return fail("read", EFBIG);
        bytes.append(buffer.data(), static_cast<size_t>(got));
    }
}

Result<std::vector<std::string>> match_files(const std::string& pattern) {
    if (pattern.find('\0') != pattern.npos) return fail("glob", EINVAL);
    glob_t found{};
    int failed = ::glob(pattern.c_str(), 0, nullptr, &found);  // sorts by name
    std::vector<std::string> paths;
    if (failed == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    if (failed != 0 && failed != GLOB_NOMATCH) return fail("glob", failed == GLOB_NOSPACE ? ENOMEM : EIO);
    return paths;
}

}  // namespace

Result<Bundle> Bundle::parse(std::string_view serialized) {
    Bundle bundle = in_memory();
    Reader reader(serialized);
    bool marked = reader.raw(mark.size()) == mark;
    for (uint64_t n = reader.number(); marked && n > 0 && reader.ok(); --n) {
        std::string path = reader.text();
        std::string bytes = reader.text();
        bundle.files_.insert_or_assign(std::move(path), File{std::move(bytes), reader.error()});
    }
    for (uint64_t n = reader.number(); marked && n > 0 && reader.ok(); --n) {
        std::string pattern = reader.text();
        Matches matches;
        for (uint64_t m = reader.number(); m > 0 && reader.ok(); --m) matches.paths.push_back(reader.text());
        matches.error = reader.error();
        bundle.globs_.insert_or_assign(std::move(pattern), std::move(matches));
    }
    if (!marked || !reader.ok() || !reader.at_end()) return fail("bundle", EBADMSG);
    return bundle;
}

std::string Bundle::serialize() const {
    Writer writer;
    writer.raw(mark);
    writer.number(files_.size());
    for (const auto& [path, file] : files_) {
        writer.text(path);
        writer.text(file.bytes);
        writer.error(file.error);
    }
    writer.number(globs_.size());
    for (const auto& [pattern, matches] : globs_) {
        writer.text(pattern);
        writer.number(matches.paths.size());
        for (const std::string& path : matches.paths) writer.text(path);
        writer.error(matches.error);
    }
    return writer.take();
}

Result<std::string_view> Bundle::read(std::string_view path) {
    auto known = files_.find(path);
    if (known == files_.end()) {
        if (!reads_disk_) return fail("open", ENOENT);
        auto bytes = read_file(std::string(path));
        File file = bytes ? File{std::move(*bytes), {}} : File{{}, bytes.error()};
        known = files_.emplace(path, std::move(file)).first;
    }
    const File& file = known->second;
    if (file.error.number != 0) return std::unexpected(file.error);
    return file.bytes;
}

Result<std::span<const std::string>> Bundle::glob(std::string_view pattern) {
    auto known = globs_.find(pattern);
    if (known == globs_.end()) {
        if (!reads_disk_) return std::span<const std::string>();
        auto paths = match_files(std::string(pattern));
        Matches matches = paths ? Matches{std::move(*paths), {}} : Matches{{}, paths.error()};
        known = globs_.emplace(pattern, std::move(matches)).first;
    }
    const Matches& matches = known->second;
    if (matches.error.number != 0) return std::unexpected(matches.error);
    return std::span<const std::string>(matches.paths);
}

void Bundle::add(std::string_view path, std::string bytes) {
    files_.insert_or_assign(std::string(path), File{std::move(bytes), {}});
}

void Bundle::add_glob(std::string_view pattern, std::vector<std::string> paths) {
    globs_.insert_or_assign(std::string(pattern), Matches{std::move(paths), {}});
}

}  // namespace ringx::conf

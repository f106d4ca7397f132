#include "conf/bundle.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

}  // namespace

// Puts bytes where `to` points, or only counts them when it is null.
class Bundle::Writer {
 public:
    explicit Writer(char* to) : to_(to) {}

    void number(uint64_t n) { raw({reinterpret_cast<const char*>(&n), sizeof n}); }
    void text(std::string_view s) {
        number(s.size());
        raw(s);
    }
    void error(const Error& e) {
        number(index_of(e.call));
        number(static_cast<uint64_t>(e.number));
    }
    void raw(std::string_view s) {
        if (to_ != nullptr) s.copy(to_ + bytes_, s.size());
        bytes_ += s.size();
    }
    size_t bytes() const { return bytes_; }

 private:
    char* to_;
    size_t bytes_ = 0;
};

namespace {

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
    std::string_view text() { return raw(number()); }
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

// Memory is taken in pieces of at least this size.
constexpr size_t piece_bytes = size_t{256} << 10;

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

Result<Bundle> Bundle::parse(Undumped serialized) {
    Bundle bundle = in_memory();
    auto piece = std::make_shared<Piece>(std::move(serialized));
    piece->used = piece->memory.view().size();
    Reader reader(piece->memory.view());
    bundle.memory_.push_back(std::move(piece));
    bool marked = reader.raw(mark.size()) == mark;
    for (uint64_t n = reader.number(); marked && n > 0 && reader.ok(); --n) {
        std::string path(reader.text());
        std::string_view bytes = reader.text();
        bundle.files_.insert_or_assign(std::move(path), File{bytes, reader.error()});
    }
    for (uint64_t n = reader.number(); marked && n > 0 && reader.ok(); --n) {
        std::string pattern(reader.text());
        Matches matches;
        for (uint64_t m = reader.number(); m > 0 && reader.ok(); --m) matches.paths.emplace_back(reader.text());
        matches.error = reader.error();
        bundle.globs_.insert_or_assign(std::move(pattern), std::move(matches));
    }
    if (!marked || !reader.ok() || !reader.at_end()) return fail("bundle", EBADMSG);
    return bundle;
}

Undumped Bundle::serialize() const {
    Writer counter(nullptr);
    write(counter);
    Undumped bytes(counter.bytes());
    Writer writer(bytes.data());
    write(writer);
    return bytes;
}

void Bundle::write(Writer& writer) const {
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
}

std::string_view Bundle::keep(std::string_view bytes) {
    bool fits = !memory_.empty() && bytes.size() <= memory_.back()->memory.view().size() - memory_.back()->used;
    if (!fits) memory_.push_back(std::make_shared<Piece>(Undumped(std::max(piece_bytes, bytes.size()))));
    Piece& piece = *memory_.back();
    char* place = piece.memory.data() + std::exchange(piece.used, piece.used + bytes.size());
    bytes.copy(place, bytes.size());
    return {place, bytes.size()};
}

Result<std::string_view> Bundle::read_file(const std::string& path) {
    if (path.find('\0') != path.npos) return fail("open", EINVAL);
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd) return fail("open");
    Undumped bytes(piece_bytes);
    for (size_t size = 0;;) {
        if (size == bytes.view().size()) {
            if (size > file_bytes_max) return fail("read", EFBIG);
            Undumped larger(2 * size);
            bytes.view().copy(larger.data(), size);
            bytes = std::move(larger);
        }
        ssize_t got = ::read(fd.get(), bytes.data() + size, bytes.view().size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail("read");
        if (got == 0) return keep(bytes.view().substr(0, size));
        size += static_cast<size_t>(got);
    }
}

Result<std::string_view> Bundle::read(std::string_view path) {
    auto known = files_.find(path);
    if (known == files_.end()) {
        if (!reads_disk_) return fail("open", ENOENT);
        auto bytes = read_file(std::string(path));
        File file = bytes ? File{*bytes, {}} : File{{}, bytes.error()};
        known = files_.emplace(path, file).first;
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

void Bundle::add(std::string_view path, std::string_view bytes) {
    files_.insert_or_assign(std::string(path), File{keep(bytes), {}});
}

void Bundle::add_glob(std::string_view pattern, std::vector<std::string> paths) {
    globs_.insert_or_assign(std::string(pattern), Matches{std::move(paths), {}});
}

}  // namespace ringx::conf

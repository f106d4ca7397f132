#include "http/file_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "event/wait.h"
#include "http/file_shelf.h"

namespace ringx::http {
namespace {

LinkRules links_of(const OpenRules& rules) { return {rules.symlinks, rules.symlinks_from}; }

// Errors that tell of the path and not of the moment, so that they may be remembered.
bool is_of_path(int error) {
    switch (error) {
    case ENOENT: case ENOTDIR: case ENAMETOOLONG: case EACCES: case EPERM: case ELOOP: case EMLINK: case ENXIO:
        return true;
    default:
        return false;
    }
}

// What was opened, described by its descriptor.
Result<FileRef> described(Result<Fd> opened, const OpenRules& rules) {
    if (!opened) return std::unexpected(opened.error());
    struct stat status;
    if (::fstat(opened->get(), &status) < 0) return fail("fstat");

    FileRef file = FileRef::make();
    file->describe(status);
    if (!file->is_file && !file->is_directory) return file;  // a device or FIFO is not kept open
    file->fd = std::move(*opened);
    if (file->is_file && file->size >= rules.directio_from) {
        // A file system that cannot do without its page cache serves the file from there.
        file->is_direct = ::fcntl(file->fd.get(), F_SETFL, O_DIRECT) == 0;
    }
    return file;
}

bool may_have_content(const OpenFile& file) {
    return file.is_file && !file.is_direct && file.size <= content_bytes_max;
}

// Holds the content just read only if the file is still what it was before: it is one state, or none.
void accept_content(OpenFile& file) {
    struct stat status;
    OpenFile now;
    if (::fstat(file.fd.get(), &status) == 0) now.describe(status);
    file.has_content = file.same_as(now);
    if (!file.has_content) file.content = {};
}

// True when the content is read, or cannot be; false when that would have to wait.
bool read_at_once(OpenFile& file) {
    int error = file.read_content();
    if (error == 0) accept_content(file);
    return error != EAGAIN && error != EOPNOTSUPP;
}

}  // namespace

FileCache::FileCache(Loop& loop) : loop_(loop), opener_(loop), turn_(loop) {}

FileCache::~FileCache() = default;

void FileCache::clear() {
    shelves_.clear();
    turn_.forget();
}

FileShelf& FileCache::shelf_of(const OpenRules& rules) {
    for (auto& shelf : shelves_) {
        if (shelf->is_for(rules)) return *shelf;
    }
    return *shelves_.emplace_back(std::make_unique<FileShelf>(rules.cache_max, rules.inactive_ms));
}

std::optional<Result<FileRef>> FileCache::find(std::string_view path, const OpenRules& rules) {
    if (!rules.cached) return find_for_turn(path, rules);

    uint64_t now_ms = loop_.clock().now_ms();
    FileShelf& shelf = shelf_of(rules);
    CachedPath* entry = shelf.find(path, rules);
    if (entry != nullptr) {
        shelf.use(*entry, now_ms);
        bool holds = entry->knows() && now_ms - entry->checked_ms < rules.valid_ms && now_ms < entry->read_from_ms;
        if (holds) [[likely]] {
            if (entry->file) return Result<FileRef>(entry->file);
            return std::unexpected(entry->error);
        }
    }

    auto opened = described(opener_.try_open(path, links_of(rules)), rules);
    if (!opened && opened.error().number == EAGAIN) return std::nullopt;
    if (opened && wants_content(entry, **opened, rules) && !read_at_once(**opened)) return std::nullopt;
    return remember(path, rules, std::move(opened));
}

std::optional<Result<FileRef>> FileCache::find_for_turn(std::string_view path, const OpenRules& rules) {
    // Links are checked for each request.
    bool may_share = rules.symlinks == Symlinks::follow;
    if (may_share) {
        if (FileRef known = turn_.find(path, rules.directio_from)) return known;
    }
    auto opened = described(opener_.try_open(path, links_of(rules)), rules);
    if (!opened && opened.error().number == EAGAIN) return std::nullopt;
    if (opened && may_share) turn_.keep(path, rules.directio_from, *opened);
    return opened;
}

Task<Result<FileRef>> FileCache::open(std::string_view path, const OpenRules& rules) {
    OpenRules ours = rules;
    LinkRules links = links_of(ours);
    auto fd = co_await opener_.open(path, links);
    auto opened = described(std::move(fd), ours);
    if (!ours.cached) co_return opened;
    if (!opened) co_return remember(path, ours, std::move(opened));

    OpenFile& file = **opened;
    CachedPath* entry = shelf_of(ours).find(path, ours);
    if (wants_content(entry, file, ours) && !read_at_once(file)) {
        file.content.resize(file.size);
        Wait read(loop_, Operation::Kind::read, file.fd.get(), "read");
        read.data = file.content.data();
        read.bytes = static_cast<uint32_t>(file.size);
        read.offset = 0;
        auto got = co_await read;
        if (got && static_cast<uint64_t>(*got) == file.size) {
            accept_content(file);
        } else {
            file.content = {};  // it is sent from the descriptor, and what is wrong shows there
        }
    }
    co_return remember(path, ours, std::move(opened));
}

// Whether the content is to be read now: for an entry that will keep it, and that has not the same in memory already.
bool FileCache::wants_content(const CachedPath* entry, const OpenFile& file, const OpenRules& rules) const {
    if (!may_have_content(file) || file.is_fresh(loop_.clock().seconds())) return false;
    uint32_t uses = entry != nullptr ? entry->uses : 1;
    if (uses < rules.min_uses) return false;
    return entry == nullptr || !entry->file || !entry->file->has_content || !entry->file->same_as(file);
}

// Puts into the cache what was just found out, and gives what is to be used: the file already there if it is the same.
Result<FileRef> FileCache::remember(std::string_view path, const OpenRules& rules, Result<FileRef> opened) {
    uint64_t now_ms = loop_.clock().now_ms();
    FileShelf& shelf = shelf_of(rules);
    CachedPath* entry = shelf.find(path, rules);
    Error error = opened ? Error{} : opened.error();
    bool keeps_error = rules.cache_errors && is_of_path(error.number);

    if (entry == nullptr) {
        if (!opened && !keeps_error) return opened;
        entry = &shelf.add(path, rules, now_ms);
    }
    if (!opened || entry->uses < rules.min_uses) {
        shelf.learn(*entry, {}, keeps_error ? error : Error{}, now_ms);
        return opened;
    }

    const OpenFile& file = **opened;
    bool is_known = entry->file && entry->file->same_as(file) && entry->file->has_content >= file.has_content;
    FileRef kept = is_known ? entry->file : *opened;
    kept->is_remembered = true;
    bool reads_later = may_have_content(file) && !kept->has_content;
    shelf.learn(*entry, kept, {}, now_ms);
    // What was written a moment ago is read into memory when it has come to rest.
    if (reads_later) entry->read_from_ms = now_ms + 2000;
    return kept;
}

}  // namespace ringx::http

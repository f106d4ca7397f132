// http/file_cache.h - how a handler gets an open file, from the worker's cache or from the disk.
//
// `find` answers at once when it can: from open_file_cache, or because the kernel had the whole path in its caches.
// Otherwise the handler waits for `open`. Both give a file, a directory or something else that is open, or the error of
// the path. An entry of the cache knows one state of a file: descriptor, size, dates and, of a small file, the content,
// so that a hit is no system call. When the entry has not been checked for `valid`, the path is opened anew, and what
// is known stays if it is still the same. Without open_file_cache a file is shared within a turn of the loop only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/loop.h"
#include "event/task.h"
#include "http/open_file.h"
#include "http/open_path.h"
#include "http/turn_files.h"

namespace ringx::http {

class FileShelf;
struct CachedPath;

// How files of a location are opened: its settings of open_file_cache, disable_symlinks and directio.
struct OpenRules {
    using Symlinks = http::Symlinks;

    bool cached = false;                // open_file_cache max=…
    uint32_t cache_max = 0;
    uint64_t inactive_ms = 60'000;
    uint64_t valid_ms = 60'000;
    uint32_t min_uses = 1;
    bool cache_errors = false;
    Symlinks symlinks = Symlinks::follow;
    std::string_view symlinks_from;     // the part of the path that is trusted
    uint64_t directio_from = ~uint64_t{0};  // files of at least this size are read with O_DIRECT
};

class FileCache {
 public:
    explicit FileCache(Loop& loop);
    FileCache(const FileCache&) = delete;
    FileCache& operator=(const FileCache&) = delete;
    ~FileCache();

    // Nothing when it cannot be told without waiting.
    // REQUIRES: `path` is absolute and ends in a zero byte behind the view.
    std::optional<Result<FileRef>> find(std::string_view path, const OpenRules& rules);
    // The same, waiting.
    // REQUIRES: the path lives until then.
    Task<Result<FileRef>> open(std::string_view path, const OpenRules& rules);

    // Forgets everything: at a reload, and before the worker ends.
    void clear();

    // Files have been changed by a request: what was opened in this turn is opened anew.
    void forget_turn() { turn_.forget(); }

 private:
    FileShelf& shelf_of(const OpenRules& rules);
    bool wants_content(const CachedPath* entry, const OpenFile& file, const OpenRules& rules) const;
    std::optional<Result<FileRef>> find_for_turn(std::string_view path, const OpenRules& rules);
    Result<FileRef> remember(std::string_view path, const OpenRules& rules, Result<FileRef> opened);

    Loop& loop_;
    PathOpener opener_;
    TurnFiles turn_;
    std::vector<std::unique_ptr<FileShelf>> shelves_;  // one for each size and patience that was configured
};

}  // namespace ringx::http

// http/file_cache.h - how a handler gets an open file, from the worker's cache or from the disk.
//
// `find` answers at once when it can: from open_file_cache, or because the kernel had the whole path in its caches
// (openat2 with RESOLVE_CACHED). Otherwise `open` does it by the engine, and the handler waits. Both give a FileRef whose
// `error` says why there is no descriptor; an Error of the Result is for what is no matter of the path (too many open
// files). Regular files and directories only: anything else is EACCES.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "event/loop.h"
#include "event/task.h"
#include "http/open_file.h"

namespace ringx::http {

// How files of a location are opened: its settings of open_file_cache, disable_symlinks and directio.
struct OpenRules {
    bool cached = false;                // open_file_cache max=…
    uint32_t cache_max = 0;
    uint64_t inactive_ms = 60'000;
    uint64_t valid_ms = 60'000;
    uint32_t min_uses = 1;
    bool cache_errors = false;
    enum class Symlinks : uint8_t { follow, refuse, owner } symlinks = Symlinks::follow;
    std::string_view symlinks_from;     // the part of the path that is trusted
    uint64_t directio_from = ~uint64_t{0};  // files of at least this size are read with O_DIRECT
};

class FileCache {
 public:
    explicit FileCache(Loop& loop);
    ~FileCache();

    // Nothing when it cannot be told without waiting.
    // REQUIRES: `path` is absolute and ends in a zero byte behind the view.
    std::optional<Result<FileRef>> find(std::string_view path, const OpenRules& rules);
    Task<Result<FileRef>> open(std::string_view path, const OpenRules& rules);

    // Forgets everything: at a reload, and before the worker ends.
    void clear();

 private:
    struct Entries;
    Loop& loop_;
    std::unique_ptr<Entries> entries_;
};

}  // namespace ringx::http

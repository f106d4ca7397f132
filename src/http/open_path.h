// http/open_path.h - from a path to a descriptor, without ever making the loop wait for a disk.
//
// Where the kernel has openat2(2) with RESOLVE_CACHED, a path all of which is in its caches is opened at once, and any
// other by the engine or a thread. Nothing here can be hung by a FIFO or become a controlling terminal. Checks of
// symbolic links are made on descriptors, component by component, so that a link that changes in between gains nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "event/loop.h"
#include "event/task.h"

namespace ringx::http {

enum class Symlinks : uint8_t {
    follow,
    refuse,  // disable_symlinks on
    owner,   // if_not_owner: a link and what it leads to have the same owner
};

struct LinkRules {
    Symlinks symlinks = Symlinks::follow;
    std::string_view trusted;  // from=: the beginning of the path that is not checked
};

class PathOpener {
 public:
    explicit PathOpener(Loop& loop);

    // Opens for reading. EAGAIN when the kernel would have to wait; refused links are ELOOP.
    // REQUIRES: `path` is absolute and ends in a zero byte behind the view.
    Result<Fd> try_open(std::string_view path, const LinkRules& rules) const;

    // The same, waiting.
    // REQUIRES: what the arguments view lives until then.
    Task<Result<Fd>> open(std::string_view path, LinkRules rules) const;

 private:
    Loop& loop_;
    bool has_cached_lookup_;
};

}  // namespace ringx::http

// proc/privileges.h - whom a worker becomes, and giving up root for good.
//
// The master keeps its rights; a worker gives them up once it has made what needs them. Afterwards nothing it runs can
// get them back: the bounding set is empty and no program it might execute gains any. What the
// configuration needs beyond its user's rights is one capability at most.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/worker_rights.h"

namespace ringx::proc {

// A user and its group, looked up when the configuration is read.
struct Identity {
    std::string user;  // for the supplementary groups; empty: none
    uid_t uid = 0;
    gid_t gid = 0;

    friend bool operator==(const Identity&, const Identity&) = default;
};

// Names, or numbers as "#1000". The error's call says whether getpwnam or getgrnam did not find it.
Result<Identity> find_identity(std::string_view user, std::string_view group);

// Becomes that user, with these rights and no others. REQUIRES: the process is root.
Result<> drop_privileges(const Identity& identity, const WorkerRights& rights);

}  // namespace ringx::proc

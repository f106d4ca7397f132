// net/system_needs.h - what a configuration needs of the system that nothing opens for it: what `server doctor` asks.
//
// Directives note it where they are read, in the tree's main block. Nothing is done with it while the server runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/language.h"

namespace ringx {

// A file that others must not read: a key, or passwords.
struct SecretFile {
    std::string path;          // absolute
    bool for_workers = false;  // opened by workers, whose group may read it; others are read by the master

    friend bool operator==(const SecretFile&, const SecretFile&) = default;
};

struct SystemNeeds {
    bool connects = false;  // to other servers, from ports of this machine
    std::vector<SecretFile> secrets;

    void keep_secret(std::string_view path, bool for_workers = false);
};

extern constinit conf::Slot<SystemNeeds> system_needs;
extern const conf::Section system_needs_section;

}  // namespace ringx

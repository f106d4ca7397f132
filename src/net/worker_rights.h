// net/worker_rights.h - what workers have to be allowed beyond what their user is.
//
// Directives ask for it where they are read; proc leaves workers no other right when it makes them their user's. In the
// main block.
#pragma once

#include "conf/language.h"

namespace ringx {

struct WorkerRights {
    bool foreign_addresses = false;  // to connect from addresses that are not this machine's (CAP_NET_RAW)

    friend bool operator==(const WorkerRights&, const WorkerRights&) = default;
};

extern constinit conf::Slot<WorkerRights> worker_rights;
extern const conf::Section worker_rights_section;

}  // namespace ringx

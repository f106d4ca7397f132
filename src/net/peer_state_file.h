// net/peer_state_file.h - the servers of a group in a file, as `server` lines that people and configurations read.
//
// Whoever changes a group writes the file, on a thread. Writers of all workers take turns by a lock on the file's
// directory, and each writes the newest plan there is when it has its turn; so the last one leaves what all workers
// have, and who finds that somebody has written its change along need not. The file is replaced as a whole (rename(2))
// and has reached the disk when this returns.
#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "base/result.h"
#include "net/peer_group.h"
#include "net/shared_peer_plan.h"

namespace ringx {

// A line for each server that was not removed. What was said of one address of a name is not in them.
std::string state_text(const PeerGroup& group);

struct PeerSaving {
    std::string path;  // absolute
    std::shared_ptr<const PeerGroup> group;  // as the configuration has it
    std::set<std::string> known;             // addresses of the configuration's servers
    SharedPeerPlan plan;                     // with the change to be saved; may be brought up to date
    // How long another program may keep the directory locked; then it is an error (EWOULDBLOCK).
    std::chrono::milliseconds patience = std::chrono::seconds(5);

    // Blocks. From any thread.
    Result<void> run();
};

}  // namespace ringx

// proc/daemon.h - leaving the terminal.
//
// The parent stays until the child has started, so that whoever ran the command finds a pid file when it returns, and
// learns from the exit code when there will be none.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"

namespace ringx::proc {

class Daemon {
 public:
    enum class Role : uint8_t { parent, child };

    // Forks; the child has a session of its own and no standard input or output.
    Result<Role> leave_terminal();
    // The exit code for the parent.
    int wait_for_child();
    void release_parent();
    // In a process that is not to keep the parent waiting.
    void forget() { pipe_.reset(); }

    bool is_one() const { return is_one_; }

 private:
    Fd pipe_;
    bool is_one_ = false;
};

}  // namespace ringx::proc

// proc/alone.h - `master_process off`: one process is master and worker.
//
// For debugging: it keeps the rights it was started with, reloads and reopens logs by itself, and has no control
// socket.
#pragma once

#include "proc/master.h"

namespace ringx::proc {

// To the end; the exit code.
int serve_alone(Started started);

}  // namespace ringx::proc

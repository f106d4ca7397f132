// proc/worker_process.h - what makes a process a worker: limits, priority, CPU, user and environment.
//
// In two steps, since the engine is made between them, with the rights of root.
#pragma once

#include "base/result.h"
#include "net/worker_rights.h"
#include "proc/core_settings.h"

namespace ringx::proc {

struct Placement {
    unsigned number;
    unsigned workers;
};

// How many descriptors a worker with so many connections may need.
uint64_t descriptors_wanted(uint32_t connections_max);

// What needs root: limits, priority, CPU. What is not granted is said in the log and done without.
void set_limits(const CoreSettings& core, Placement place, uint32_t connections_max, const Log& log);

// Gives up root but for these rights, changes to the working directory, and reduces the environment to what `env`
// names. Says what failed.
bool become_user(const CoreSettings& core, const WorkerRights& rights, const Log& log);

}  // namespace ringx::proc

// proc/doctor.h - `server doctor`: looks at the machine and the configuration, and says what to do about them.
//
// It changes nothing, opens no log and no socket, and works beside a running server or without one, with a
// configuration or without.
#pragma once

#include "proc/generation.h"

namespace ringx::proc {

// Prints a line for each finding on standard output; the exit code, which is 0 whatever was found.
int doctor(const Program& program);

}  // namespace ringx::proc

// proc/signal_sender.h - `server -s NAME`: telling the running master what to do.
//
// A reload is asked for over the control socket, which waits for its outcome; where there is none, and for everything
// else, the master gets a signal and nobody waits.
#pragma once

#include "proc/command_line.h"
#include "proc/generation.h"
#include "proc/journal.h"

namespace ringx::proc {

// `generation` is the configuration as this process reads it: it says where the pid file is. The exit code.
int send_signal(CommandLine::Signal signal, const Generation& generation, Journal& journal);

}  // namespace ringx::proc

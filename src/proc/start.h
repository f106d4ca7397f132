// proc/start.h - from the command line to a running server, or to an answer for whoever asked.
//
// The order is nginx's: read the configuration, open logs and sockets, leave the terminal, write the pid file. Whatever
// fails on the way ends the process before anything of it can be seen from outside.
#pragma once

#include "proc/command_line.h"
#include "proc/generation.h"
#include "proc/title.h"

namespace ringx::proc {

// What main.cc puts together.
struct Parts {
    const conf::Language& language;
    std::span<const Protocol> protocols;
    std::span<const std::string_view> modules;  // their names, for -V
};

// Does what the command line asks for; the exit code.
int start(const CommandLine& line, const Parts& parts, ProcessTitle& title);

// A descriptor 0, 1 or 2 that was closed becomes /dev/null, so that no file of ours is taken for it.
void open_standard_descriptors();

}  // namespace ringx::proc

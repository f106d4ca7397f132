// proc/inquiry.h - what -h, -v and -V print.
//
// On standard error, as nginx, and in the form that tools look for.
#pragma once

#include <span>
#include <string_view>

#include "proc/command_line.h"

namespace ringx::proc {

void show_version(const CommandLine& line, std::span<const std::string_view> modules);

}  // namespace ringx::proc

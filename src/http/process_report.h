// http/process_report.h - what the processes of the server use of the machine, asked of the kernel now.
//
// The worker that is asked looks into /proc for all of them. What it may not see there is not told.
#pragma once

#include "event/task.h"
#include "http/report.h"
#include "http/request.h"

namespace ringx::http {

// Lets others have their turns between processes.
Task<void> tell_processes(Report& report, Request& request);

}  // namespace ringx::http

// http/upstream_report.h - what there is to tell of upstream servers.
//
// Each is told by its group and its address; what is counted is of all workers, and so is the state where the group
// has a zone. Without one it is that of the worker that tells.
#pragma once

#include "event/task.h"
#include "http/report.h"
#include "http/request.h"

namespace ringx::http {

Task<void> tell_upstreams(Report& report, Request& request);

}  // namespace ringx::http

// http/server_report.h - all figures of the server, in one report.
//
// Those of the workers and their engines, of requests by worker and zone, and what each module has to tell. Zones are
// those of the generation of the request that asks.
#pragma once

#include "event/task.h"
#include "http/report.h"
#include "http/request.h"

namespace ringx::http {

// Lets others have their turns between its parts.
Task<void> tell_all(Report& report, Request& request);

}  // namespace ringx::http

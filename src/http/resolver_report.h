// http/resolver_report.h - what there is to tell of questions about names: all, and those of each zone of a `resolver`.
//
// The zones are those of the configuration of the request that asks, also when nobody has come to them yet.
#pragma once

#include "http/report.h"
#include "http/request.h"

namespace ringx::http {

void tell_resolver(Report& report, Request& request);

}  // namespace ringx::http

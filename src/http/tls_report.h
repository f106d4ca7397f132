// http/tls_report.h - what there is to tell of handshakes with clients.
//
// The same figures for a worker and for a zone; who calls has begun the thing they are of.
#pragma once

#include "http/report.h"
#include "net/tls_metrics.h"

namespace ringx::http {

void tell_tls(Report& report, const TlsMetrics& metrics);

}  // namespace ringx::http

// modules/ssl/certificate_report.h - until when the certificates of servers are good.
//
// Those whose names have variables are not known before clients ask for them, and not told.
#pragma once

#include "http/report.h"
#include "http/request.h"

namespace ringx::http::ssl {

void tell_certificates(Report& report, Request& request);

}  // namespace ringx::http::ssl

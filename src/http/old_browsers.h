// http/old_browsers.h - browsers of two decades ago that keep-alive confuses.
//
// MSIE 6 waits before it shows the answer to a POST while the connection stays open, and Safari may send a POST to a
// connection that was closed. `keepalive_disable` says whom to spare; the default spares the first, as in nginx.
#pragma once

#include "http/core_settings.h"
#include "http/request.h"

namespace ringx::http {

bool is_confused_by_keep_alive(const Request& request, conf::Flags<OldBrowser> disabled);

}  // namespace ringx::http

// modules/ssl/session_cache.h - where sessions are kept: what `ssl_session_cache` means.
//
// A block may say it in several words and several times, and the last word about each of two things counts: whether and
// how processes keep sessions by themselves, and which zone has them. Both are inherited alone.
#pragma once

#include "modules/ssl/settings.h"

namespace ringx::http::ssl {

void set_session_cache(Settings& settings, conf::Binding& binding);

// What the two come to. Beside a zone a process needs no sessions of its own.
SessionStore session_store(const Settings& settings);

}  // namespace ringx::http::ssl

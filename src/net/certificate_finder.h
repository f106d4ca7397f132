// net/certificate_finder.h - a certificate whose names were evaluated a moment ago.
//
// It comes from the cache, or from its files, which are read on a thread.
#pragma once

#include <span>
#include <string_view>

#include "event/loop.h"
#include "event/task.h"
#include "net/certificate_cache.h"

namespace ringx {

// Files are read on a thread, as far as the cache does not have them. `cache` null: there is none.
// REQUIRES: what is given lives until it is done.
Task<NamedCertificate::Loaded> find_certificate(Loop& loop, CertificateCache* cache,
                                                 std::span<const std::string_view> passwords,
                                                 const CertificateNames& names);

}  // namespace ringx

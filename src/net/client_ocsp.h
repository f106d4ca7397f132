// net/client_ocsp.h - whether a client's certificate, and those above it, were revoked: what responders say after the
// handshake.
//
// A certificate passes when somebody who may says that it is good; no answer is as bad as a bad one. Answers are kept
// in a zone, where there is one, for as long as they are good for.
#pragma once

#include <optional>

#include "event/task.h"
#include "net/ocsp_inquiry.h"
#include "net/zones.h"

namespace ringx {

struct ClientOcspRules {
    bool leaf_only = false;                  // otherwise all but the root
    std::optional<OcspResponder> responder;  // instead of those that the certificates name
    std::shared_ptr<const NamedZone> cache;  // null: answers are not kept
    std::shared_ptr<const ResolverRules> names;  // null: as the system looks them up
};

// What the fault was; null: none.
using ClientFault = const char*;
inline constexpr ClientFault client_status_unanswered = "certificate status request failed";

// Asks about the client of a handshake that is done, for `limit_ms` at most. What is wrong on the way is logged.
// REQUIRES: `ssl`, `rules` and `subject` outlive it.
Task<ClientFault> ask_about_client(OcspDesk& desk, SSL* ssl, const ClientOcspRules& rules,
                                   const OcspInquiry::Subject& subject, uint64_t limit_ms);

}  // namespace ringx

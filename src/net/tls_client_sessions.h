// net/tls_client_sessions.h - sessions with upstream servers, so that the next handshake is a short one.
//
// A worker has one of these. A session of TLS 1.3 is given out once, or others could see that connections belong
// together (RFC 8446 appendix C.4); servers send new ones on each connection, so a few are kept for each key. Sessions
// of earlier versions stay. What was not used for longest leaves when there are too many.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/openssl.h"

namespace ringx {

class TlsClientSessions {
 public:
    // More are not worth their memory: some KB each, with the server's certificates.
    static constexpr size_t keys_max = 1024;
    static constexpr size_t sessions_of_key_max = 4;

    TlsClientSessions() = default;
    TlsClientSessions(const TlsClientSessions&) = delete;
    TlsClientSessions& operator=(const TlsClientSessions&) = delete;

    // The latest that may still be resumed; null: none.
    OwnedSession take(std::string_view key, int64_t now_seconds);
    void keep(std::string_view key, OwnedSession session);
    size_t keys() const { return by_use_.size(); }

 private:
    struct Entry {
        std::string key;
        std::vector<OwnedSession> sessions;  // the latest last
    };
    using Place = std::list<Entry>::iterator;

    Place find(std::string_view key);
    void drop(Place place);

    std::list<Entry> by_use_;  // the latest first
    std::unordered_map<std::string_view, Place> by_key_;
};

}  // namespace ringx

// net/session_cache.h - TLS sessions by their ids, in a zone that all workers share.
//
// A session is bytes here, as OpenSSL writes it. A full cache forgets the one that was not used for longest. All of
// this may happen on any thread: it takes the zone's lock, copies, and knows nothing else.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/shared_zone.h"

namespace ringx {

class SessionCache {
 public:
    // Of one session; what is larger, through a large certificate of the client, is not kept (as in nginx).
    static constexpr size_t session_bytes_max = 4096;

    // REQUIRES: the zone outlives it.
    explicit SessionCache(SharedZone& zone) : zone_(zone) {}

    // Keeps a session until that moment; all moments are in seconds of one clock. False when there is no room for it.
    bool keep(std::string_view id, std::string_view session, int64_t until, int64_t now);
    // Copies the session into `to`, which has room for session_bytes_max; empty when there is none any more.
    std::string_view find(std::string_view id, int64_t now, std::span<char> to);
    void forget(std::string_view id);

    // A process had died in the zone, and all of it was lost.
    bool repaired() const { return repaired_; }

 private:
    SharedZone& zone_;
    bool repaired_ = false;
};

}  // namespace ringx

#include "net/tls_client_sessions.h"

namespace ringx {
namespace {

bool is_good(const SSL_SESSION* session, int64_t now_seconds) {
    int64_t until = int64_t{SSL_SESSION_get_time(session)} + SSL_SESSION_get_timeout(session);
    return SSL_SESSION_is_resumable(session) == 1 && now_seconds < until;
}

bool is_used_once(const SSL_SESSION* session) {
    return SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
}

}  // namespace

TlsClientSessions::Place TlsClientSessions::find(std::string_view key) {
    auto found = by_key_.find(key);
    if (found == by_key_.end()) return by_use_.end();
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second;
}

void TlsClientSessions::drop(Place place) {
    by_key_.erase(place->key);
    by_use_.erase(place);
}

OwnedSession TlsClientSessions::take(std::string_view key, int64_t now_seconds) {
    Place place = find(key);
    if (place == by_use_.end()) return nullptr;
    std::vector<OwnedSession>& sessions = place->sessions;
    OwnedSession taken;
    while (taken == nullptr && !sessions.empty()) {
        bool good = is_good(sessions.back().get(), now_seconds);
        if (good) taken = std::move(sessions.back());
        sessions.pop_back();
    }
    if (taken != nullptr && !is_used_once(taken.get())) {
        SSL_SESSION_up_ref(taken.get());
        sessions.emplace_back(taken.get());
    }
    if (sessions.empty()) drop(place);
    return taken;
}

void TlsClientSessions::keep(std::string_view key, OwnedSession session) {
    Place place = find(key);
    if (place == by_use_.end()) {
        place = by_use_.emplace(by_use_.begin(), std::string(key), std::vector<OwnedSession>());
        by_key_.emplace(place->key, place);
    }
    std::vector<OwnedSession>& sessions = place->sessions;
    // One that stays is as good as many.
    if (!is_used_once(session.get())) sessions.clear();
    if (sessions.size() == sessions_of_key_max) sessions.erase(sessions.begin());
    sessions.push_back(std::move(session));
    if (by_use_.size() > keys_max) drop(std::prev(by_use_.end()));
}

}  // namespace ringx

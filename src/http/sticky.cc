#include "http/sticky.h"

#include <openssl/evp.h>

#include "base/format.h"
#include "http/http_date.h"
#include "http/limits.h"
#include "http/request.h"
#include "net/session_cache.h"

namespace ringx::http {
namespace {

std::string_view first_value(Request& request, const std::vector<const VariableUse*>& variables) {
    for (const VariableUse* variable : variables) {
        VariableValue value = variable->value(request);
        if (value && !value->empty()) return *value;
    }
    return {};
}

// Sessions are known by digests: an id may be long, and lets whoever knows it be the client.
struct SessionKey {
    explicit SessionKey(std::string_view id) {
        CHECK(EVP_Digest(id.data(), id.size(), bytes, nullptr, EVP_sha256(), nullptr) == 1);
    }
    std::string_view text() const { return {reinterpret_cast<const char*>(bytes), sizeof bytes}; }

    unsigned char bytes[32];
};

// The zone, with what has to be said about it afterwards.
class Sessions {
 public:
    Sessions(Request& request, const StickySessions& settings)
        : request_(request), settings_(settings), cache_(*settings.zone->memory) {}
    ~Sessions() {
        if (cache_.repaired()) report_repair(request_, *settings_.zone);
    }

    std::string_view find(const SessionKey& key) {
        char route[SessionCache::session_bytes_max];
        return request_.arena.copy(cache_.find(key.text(), now_ms(), route));
    }
    void keep(const SessionKey& key, std::string_view route) {
        if (cache_.keep(key.text(), route, now_ms() + static_cast<int64_t>(settings_.timeout_ms), now_ms())) return;
        request_.log().write(Level::alert, request_.log_context(), "no room for a session in zone \"{}\"",
                             settings_.zone->name);
    }

 private:
    int64_t now_ms() const { return static_cast<int64_t>(request_.worker->clock.now_ms()); }

    Request& request_;
    const StickySessions& settings_;
    SessionCache cache_;
};

}  // namespace

bool is_same_site(std::string_view value) {
    return conf::same_keyword(value, "strict") || conf::same_keyword(value, "lax") || conf::same_keyword(value, "none");
}

std::string_view Sticky::route(Request& request) const {
    std::string_view found = first_value(request, lookup);
    if (found.empty() || sessions.zone == nullptr) return found;
    return Sessions(request, sessions).find(SessionKey(found));
}

std::string_view Sticky::cookie_for(Request& request, const ringx::Peer& peer) const {
    if (cookie.name.empty()) return {};
    std::string text = text::format("{}={}", cookie.name, peer.route);
    if (cookie.expires == StickyCookie::expires_max) {
        text += text::format("; expires={}; max-age=315360000", cookie_date(StickyCookie::expires_max));
    } else if (cookie.expires >= 0) {
        int64_t until = request.worker->clock.seconds() + cookie.expires;
        text += text::format("; expires={}; max-age={}", cookie_date(until), cookie.expires);
    }
    std::string_view domain = cookie.domain.evaluate(request);
    if (!domain.empty()) text += text::format("; domain={}", domain);
    if (cookie.http_only) text += "; httponly";
    if (cookie.secure) text += "; secure";
    std::string_view same_site = cookie.same_site.evaluate(request);
    if (!same_site.empty()) text += text::format("; samesite={}", is_same_site(same_site) ? same_site : "strict");
    if (!cookie.path.empty()) text += text::format("; path={}", cookie.path);
    return request.arena.copy(text);
}

void Sticky::learn(Request& request, const ringx::Peer& peer, bool is_whole) const {
    if (sessions.zone == nullptr || sessions.by_header == is_whole) return;
    Sessions known(request, sessions);
    std::string_view id = first_value(request, create);
    if (!id.empty()) return known.keep(SessionKey(id), peer.route);
    // The session goes on, with this peer from now on.
    id = first_value(request, lookup);
    if (id.empty()) return;
    SessionKey key(id);
    if (!known.find(key).empty()) known.keep(key, peer.route);
}

}  // namespace ringx::http

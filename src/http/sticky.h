// http/sticky.h - binding clients to the server that answered them first: `sticky` of an upstream block.
//
// What binds is the route of a peer: given with `route=`, or made of its address. The client brings it along itself (a
// cookie of ours, or a part of the request), or it brings the id of a session, and a zone knows which route that has
// been given. A client that is bound to a peer which cannot be asked is served by another one, and bound to that.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "http/variables.h"
#include "net/peers.h"

namespace ringx::http {

// Whether it is one of strict, lax and none.
bool is_same_site(std::string_view value);

// The cookie that tells a client its route.
struct StickyCookie {
    static constexpr int64_t expires_max = 2145916555;  // "max": 31 December 2037 23:55:55

    std::string_view name = {};  // empty: there is none
    std::string_view path = {};
    Template domain = {};
    Template same_site = {};
    int64_t expires = -1;  // seconds from now, or expires_max; -1: with the session
    bool http_only = false;
    bool secure = false;
};

// The sessions that are learnt from answers.
struct StickySessions {
    NamedZone* zone = nullptr;  // null: there are none
    uint64_t timeout_ms = 600'000;
    bool by_header = false;  // learnt when the head of an answer is here, not when all of it is
};

struct Sticky {
    // The first that has a value gives the route, or the session's id.
    std::vector<const VariableUse*> lookup;
    std::vector<const VariableUse*> create;  // the id of a new session, in an answer
    StickyCookie cookie;
    StickySessions sessions;

    // The route of the peer this request is bound to; empty when it is bound to none. It lives as long as the request.
    std::string_view route(Request& request) const;
    // The value of the Set-Cookie that goes with an answer of this peer; empty when there is none to be set.
    std::string_view cookie_for(Request& request, const ringx::Peer& peer) const;
    // An answer of this peer's was good: the head of it is here, or all of it.
    void learn(Request& request, const ringx::Peer& peer, bool is_whole) const;
};

}  // namespace ringx::http

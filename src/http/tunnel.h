// http/tunnel.h - what a connection becomes when both sides have agreed on something that is not HTTP.
//
// A tunnel may last for days. So it owns what it needs, which is a connection to a server and that one's place among
// its peer's, and refers to nothing of the request that has opened it: memory and generation of that are given back
// when the tunnel begins (see http/remains).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "event/loop.h"
#include "event/task.h"
#include "net/peers.h"
#include "net/relay.h"
#include "net/upstream_connection.h"

namespace ringx::http {

class Tunnel {
 public:
    struct Limits {
        uint64_t idle_ms;  // for how long neither may speak
        SendLimits send;
    };
    // These bytes of the server's have come already.
    Tunnel(Loop& loop, UpstreamPool& pool, std::unique_ptr<UpstreamConnection> server, PeerHold hold,
           std::string_view of_server, const Limits& limits);
    Tunnel(const Tunnel&) = delete;
    Tunnel& operator=(const Tunnel&) = delete;
    ~Tunnel();

    // Carries bytes until it ends. These have come from the client already. What ended it is as Relay::run() has it.
    Task<Result<>> carry(Stream& client, std::string_view of_client);
    // It is to end soon.
    void cancel();

    bool client_has_stalled() const { return client_has_stalled_; }
    uint64_t from_client() const { return from_client_; }
    uint64_t from_server() const { return from_server_; }

 private:
    Loop& loop_;
    UpstreamPool& pool_;
    std::unique_ptr<UpstreamConnection> server_;
    PeerHold hold_;
    std::string of_server_;
    Limits limits_;
    uint64_t from_client_ = 0, from_server_ = 0;
    bool client_has_stalled_ = false;
    Relay* relay_ = nullptr;  // while it carries
};

}  // namespace ringx::http

#include "http/tunnel.h"

#include <utility>

namespace ringx::http {

Tunnel::Tunnel(Loop& loop, UpstreamPool& pool, std::unique_ptr<UpstreamConnection> server, PeerHold hold,
               std::string_view of_server, const Limits& limits)
    : loop_(loop),
      pool_(pool),
      server_(std::move(server)),
      hold_(std::move(hold)),
      of_server_(of_server),
      limits_(limits) {}

Tunnel::~Tunnel() { pool_.close(std::move(server_)); }

Task<Result<>> Tunnel::carry(Stream& client, std::string_view of_client) {
    Relay relay(loop_, client, server_->stream(), limits_.idle_ms, limits_.send);
    relay_ = &relay;
    Result<> ended = co_await relay.run(of_client, of_server_);
    relay_ = nullptr;
    of_server_ = std::string();
    client_has_stalled_ = relay.client_has_stalled();
    from_client_ = relay.from_client();
    from_server_ = relay.from_server();
    co_return ended;
}

void Tunnel::cancel() {
    if (relay_ != nullptr) relay_->cancel();
}

}  // namespace ringx::http

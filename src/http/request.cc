#include "http/request.h"

#include <arpa/inet.h>

#include <cstring>
#include <memory>

#include "http/background.h"
#include "http/pipeline.h"
#include "http/site.h"
#include "net/error_log.h"

namespace ringx::http {

Peer::Peer() = default;
Peer::~Peer() = default;

Address Peer::remote() const {
    if (family_ == AF_UNSPEC) {
        Address address = Address::of_peer(fd);
        family_ = address.family();
        port_ = address.port();
        if (family_ == AF_INET) memcpy(bytes_, &reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr, 4);
        if (family_ == AF_INET6) memcpy(bytes_, &reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr, 16);
        return address;
    }
    if (family_ == AF_INET) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port_);
        memcpy(&v4.sin_addr, bytes_, 4);
        return Address(reinterpret_cast<sockaddr*>(&v4), sizeof v4);
    }
    if (family_ == AF_INET6) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port_);
        memcpy(&v6.sin6_addr, bytes_, 16);
        return Address(reinterpret_cast<sockaddr*>(&v6), sizeof v6);
    }
    return Address::of_peer(fd);
}

Address Peer::local() const { return background != nullptr ? background->local : Address::of_socket(fd); }

std::string_view Peer::remote_text(Arena& arena) const {
    if (family_ == AF_UNSPEC) (void)remote();
    if (family_ != AF_INET && family_ != AF_INET6) return arena.copy(remote().host_text());
    char* text = arena.text(INET6_ADDRSTRLEN);
    if (family_ == AF_INET) return {text, static_cast<size_t>(write_ipv4(bytes_, text) - text)};
    inet_ntop(family_, bytes_, text, INET6_ADDRSTRLEN);
    return text;
}

const Log& Request::log() const { return error_log(*block); }

namespace {

// What a line says of a request, in nginx's order.
void describe(const void* object, LogTail& tail) {
    const auto& request = *static_cast<const Request*>(object);
    tail.add("client", request.remote().host_text());
    if (request.server != nullptr) tail.add("server", request.server->settings->first_name);
    auto quote = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) tail.quote(name, value);
    };
    quote("request", request.head.request_line);
    if (request.is_subrequest()) quote("subrequest", request.uri);
    quote("upstream", request.upstream);
    quote("host", request.head.value(Header::host));
    quote("referrer", request.head.value(Header::referer));
}

}  // namespace

LogContext Request::log_context() const { return {peer->number, describe, this}; }

void Request::reset() {
    auto* state = static_cast<RequestState*>(this);
    std::destroy_at(state);
    std::construct_at(state);
    head.clear();
    arena.reset();
}

}  // namespace ringx::http

// net/listener.h - the listening sockets a configuration asks for, and how they are opened.
//
// The master opens one socket per worker and address with SO_REUSEPORT and keeps them across reloads and deaths of
// workers, so that an accept queue is never lost with its worker. A path (unix:) has one socket that all workers share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "net/address.h"

namespace ringx {

// What `listen` says about the socket of an address.
struct ListenOptions {
    int backlog = 0;  // 0: the larger of 511 and what the system allows, up to 4096
    int rcvbuf = 0;   // bytes; 0: the system's choice
    int sndbuf = 0;
    int fastopen = -1;     // queue length; -1: off
    bool deferred = false; // TCP_DEFER_ACCEPT
    bool multipath = false;  // MPTCP (RFC 8684); settled when the socket is made
    bool ipv6only = true;
    bool tcp_nodelay = true;  // inherited by the accepted sockets
    enum class Keepalive : uint8_t { system, on, off } keepalive = Keepalive::system;
    int keepidle = 0, keepintvl = 0, keepcnt = 0;  // seconds, seconds, probes; 0: the system's

    friend bool operator==(const ListenOptions&, const ListenOptions&) = default;
};

// An address the configuration listens on.
struct Listen {
    Address address;
    ListenOptions options;
    std::string key;  // address.text(): the socket's name in all generations
};

// socket(), options, bind(), listen(): non-blocking and close-on-exec.
Result<Fd> open_listening_socket(const Listen& listen);
// Applies those options that can be changed while listening (backlog, buffers, keepalive).
Result<> update_listening_socket(int fd, const Listen& listen);

// Sockets with SO_REUSEPORT also share an address with those of another server of the same user, who would get some of
// our connections. So ask this before the first of ours is opened: EADDRINUSE when somebody listens there.
Result<> check_address_is_free(const Address& address);

// The socket's file goes with the last who listens. One that a killed server left behind is in the way of bind(): who
// finds nobody listening there removes it first.
void remove_socket_file(const Address& address);

}  // namespace ringx

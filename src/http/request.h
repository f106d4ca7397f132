// http/request.h - one request: its head, where it was routed, its memory, and what became of it.
//
// A Request is taken from the worker's pool when the first byte of a head arrives and goes back when the answer is
// logged, so that an idle connection owns none. Text it holds points into the connection's input, the arena or the
// generation.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/block.h"
#include "event/loop.h"
#include "http/captures.h"
#include "http/head.h"
#include "http/response.h"
#include "http/worker_state.h"
#include "net/address.h"

namespace ringx::http {

class FileCache;
class RequestBody;
class Site;
struct CoreSettings;
struct Location;
struct VirtualServer;

// What a request may know about the connection it came over. It is part of every idle connection, so it is small: the
// addresses are asked for when somebody wants to know them.
class Peer {
 public:
    uint64_t number = 0;    // $connection: unique in this run of the server
    uint64_t since_us = 0;  // monotonic: when it was accepted
    const std::string* listen_key = nullptr;
    int fd = -1;            // for getsockopt(2) and the like only
    uint32_t requests = 0;  // $connection_requests, the current one included

    Address remote() const;  // asked for once
    Address local() const;   // getsockname(2)
    // "127.0.0.1", "::1", "unix:": $remote_addr; in the arena.
    std::string_view remote_text(Arena& arena) const;

 private:
    mutable sa_family_t family_ = AF_UNSPEC;  // of what is known in port_ and bytes_
    mutable uint16_t port_ = 0;
    mutable uint8_t bytes_[16];
};

// What all requests of a worker may use.
struct WorkerParts {
    Loop& loop;
    FileCache& files;
    const Clock& clock;
    WorkerStates states;  // of modules
};

class Request {
 public:
    Request() = default;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    RequestHead head;
    Arena arena;

    // As it is being processed: an internal redirect changes them. `uri` is decoded and normalised, without the query.
    std::string_view uri;
    std::string_view args;
    bool has_args = false;   // $is_args
    Captures captures;       // of the latest regex

    WorkerParts* worker = nullptr;
    Peer* peer = nullptr;
    std::shared_ptr<const Site> site;  // the generation it began on
    const VirtualServer* server = nullptr;
    const Location* location = nullptr;
    const conf::Block* block = nullptr;  // of the location, or of the server while there is none
    const CoreSettings* core = nullptr;  // of that block
    RequestBody* body = nullptr;         // null when it has none

    uint64_t started_us = 0;  // monotonic: when the first byte of the head was seen
    bool pipelined = false;   // its first byte came with the request before it: $pipe
    bool internal = false;    // by an internal redirect
    bool is_error_page = false;
    uint8_t redirects_left = 10;
    uint16_t error_status = 0;  // an error page is being served: keep this status (0: the page's own)
    std::string_view remote_user;
    std::string_view id;      // $request_id, once somebody asked for it

    // The status line and fields as they left; for logs.
    Response response;
    uint16_t sent_status = 0;   // 0: nothing was sent (yet)
    uint64_t sent_bytes = 0;
    uint64_t sent_body_bytes = 0;
    uint64_t received_bytes = 0;  // $request_length
    bool completed = false;       // $request_completion

    bool is_head() const { return head.method == Method::head; }
    Method method() const { return head.method; }

    // The error log of where the request is now, and the tail of its lines.
    const Log& log() const;
    LogContext log_context() const;

    // Everything is forgotten, capacity is kept.
    void reset();
};

}  // namespace ringx::http

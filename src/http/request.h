// http/request.h - one request: its head, where it was routed, its memory, and what became of it.
//
// A Request is taken from the worker's pool when the first byte of a head arrives and goes back when the answer is
// logged, so that an idle connection owns none. Text it holds points into the connection's input, the arena or the
// generation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/lives.h"
#include "base/log.h"
#include "conf/block.h"
#include "event/loop.h"
#include "http/captures.h"
#include "http/head.h"
#include "http/request_states.h"
#include "http/response.h"
#include "http/variables.h"
#include "http/worker_state.h"
#include "net/address.h"
#include "net/proxy_protocol.h"

namespace ringx {
class Resolver;
class RunState;
class Steering;
class Tls;
class UpstreamPool;
}

namespace ringx::http {

class Activity;
class Answer;
class FileCache;
class InterimSender;
class Request;
class RequestBody;
class RequestPool;
class Site;
struct Background;
struct CoreSettings;
struct Location;
struct RequestMetrics;
struct VirtualServer;
enum class LimitVerdict : uint8_t;
enum class Stage : uint8_t;

// What a request may know about the connection it came over. It is part of every idle connection, so it is small: the
// addresses are asked for when somebody wants to know them.
class Peer {
 public:
    uint64_t number = 0;    // $connection: unique in this run of the server
    uint64_t since_us = 0;  // monotonic: when it was accepted
    const Tls* tls = nullptr;  // null: what comes over it is plain
    int fd = -1;            // for getsockopt(2) and the like only
    uint32_t requests = 0;  // begun on it, the current one included
    std::unique_ptr<const ProxyHeader> proxy;  // what came before its first request; null: nothing
    std::unique_ptr<Background> background;    // null: there never was any

    Peer();
    ~Peer();

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
    Metrics::Writer& metrics;
    Resolver& resolver;
    UpstreamPool& upstreams;
    RequestPool& requests;
    RequestMetrics& all_requests;  // of this worker
    WorkerStates states = {};      // of modules
    const Lives* lives = nullptr;  // which workers live
    Life life = {};                // this one's
    const RunState* run_state = nullptr;  // what the master says; in unit tests there may be none
    Steering* steering = nullptr;         // whom to ask for a reload; likewise
    uint64_t ended_us = 0;         // when what is being logged has ended; 0: nobody has asked yet
};

// All of a request that begins anew with the next one.
struct RequestState {
    // As it is being processed: an internal redirect changes them. `uri` is decoded and normalised, without the query.
    std::string_view uri;
    std::string_view args;
    bool has_args = false;  // $is_args
    Captures captures;      // of the latest regex
    KeptValues kept_values;  // of variables

    std::shared_ptr<const Site> site;  // the generation it began on, held while it waits
    const VirtualServer* server = nullptr;
    const Location* location = nullptr;
    const conf::Block* block = nullptr;  // of the location
    const CoreSettings* core = nullptr;  // of that block
    RequestBody* body = nullptr;         // null when it has none
    const Address* real_remote = nullptr;  // what a trusted proxy says of the client
    Answer* answer = nullptr;            // what is waited for
    Activity* activities = nullptr;      // that go on for it: a list
    Answer* refusal = nullptr;           // of the access phase, as long as `satisfy any` may still be met
    Request* next = nullptr;             // in a list of requests that were answered together

    // Of a subrequest (http/subrequest).
    Request* main = nullptr;          // the client's request it is part of; null: this one
    std::string_view asked_method;    // the client's
    uint8_t depth = 0;                // 0: none is around it, and this is no subrequest
    uint16_t subrequests = 0;         // of a main one: those under way

    uint32_t number = 0;      // on its connection, from 1: $connection_requests
    uint64_t started_us = 0;  // monotonic: when the first byte of the head was seen
    bool pipelined = false;   // its first byte came with the request before it: $pipe
    bool head_is_complete = false;
    Lease head_lease;       // what the head points into, once the connection has gone on to other bytes
    std::string head_text;

    // Where the pipeline is; see http/pipeline.h.
    Stage stage{};
    uint16_t step = 0;         // of the stage: the function to call next
    bool uri_changed = false;  // by a rewrite: the location is chosen again after the phase
    bool uri_is_clients = true;     // `uri` and `args` say what the client did
    bool uri_is_locations = true;   // the location was chosen by it
    bool internal = false;     // by an internal redirect
    bool is_error_page = false;
    bool body_refused = false;  // 413 was said; its error page is not refused again
    LimitVerdict rate_verdict{};        // $limit_req_status
    LimitVerdict connection_verdict{};  // $limit_conn_status
    bool leaves_alone = false;  // answers after this one are not sent with it: what it holds is given back first
    bool keep_alive = true;  // false: the connection ends with this request, whatever the client asked for
    bool alias_takes_uri = false;  // try_files found the file below an alias that is a whole path
    uint8_t redirects_left = 11;  // one more than are allowed; at 0 the request was stopped
    uint16_t error_status = 0;  // an error page is being served: the status to send with it (0: the page's own)
    std::string_view error_location;  // what was to be sent with that status: a redirect's Location,
    ResponseFields error_fields;      // WWW-Authenticate …
    std::string_view kept_type;       // the Content-Type of whoever has redirected the request here; empty: none
    std::string_view remote_user;
    std::string_view id;  // $request_id, once somebody asked for it
    std::string_view upstream;  // what the request was passed on to last, as a URL; for the log
    std::string_view greeted_name;  // a host name, when all there is of it is a client that greets over TLS
    RequestStates states;  // of modules

    InterimSender* interim = nullptr;  // while the client may be told something before its answer
    const Response* making = nullptr;  // what filters work on, while they do

    uint64_t rate = 0;  // bytes a second the answer may be sent at, once it is known; 0: no limit

    // What was answered, and how far it got; for logs.
    Response response;
    uint16_t sent_status = 0;  // 0: nothing was sent (yet)
    uint64_t sent_bytes = 0;
    uint64_t sent_body_bytes = 0;
    uint64_t received_bytes = 0;  // $request_length
    bool completed = false;       // $request_completion
};

class Request : public RequestState {
 public:
    Request() = default;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    RequestHead head;
    Arena arena;
    WorkerParts* worker = nullptr;
    Peer* peer = nullptr;

    // The answer as far as it is known.
    const Response& latest_response() const { return making != nullptr ? *making : response; }

    // The client's address: the peer's, or what a trusted proxy says.
    Address remote() const { return real_remote != nullptr ? *real_remote : peer->remote(); }

    std::string_view scheme() const { return peer->tls != nullptr ? "https" : "http"; }
    bool is_subrequest() const { return depth > 0; }
    Request& main_request() { return main == nullptr ? *this : *main; }
    bool is_head() const { return head.method == Method::head; }
    Method method() const { return head.method; }

    // The error log of where the request is now, and the tail of its lines.
    const Log& log() const;
    LogContext log_context() const;

    // Everything is forgotten, capacity is kept.
    void reset();
};

}  // namespace ringx::http

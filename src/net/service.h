// net/service.h - the seam between processes and protocols.
//
// The master and the workers (proc) know no protocol. A protocol (http, stream) gives them two things: a Site, its
// immutable part of a generation, made from the configuration; and a Server, its life in one worker, which is handed
// accepted sockets and the current generation. main.cc introduces them to each other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/counters.h"
#include "base/fd.h"
#include "base/lives.h"
#include "base/log.h"
#include "event/loop.h"
#include "net/listener.h"

namespace ringx {

namespace conf {
class Tree;
}
class RunState;
class Server;
class Site;
class Steering;
class TicketKeys;
struct WorkerContext;

// A protocol, as main.cc hands it to the master.
struct Protocol {
    std::string_view name;  // "http"
    // Its site of a tree that was loaded without mistakes; null when the configuration has no block of this protocol.
    // The site keeps the tree alive.
    std::shared_ptr<const Site> (*make_site)(std::shared_ptr<const conf::Tree> tree);
    std::unique_ptr<Server> (*make_server)(const WorkerContext& worker);
};

// One protocol's part of a generation. It is made on any thread and used, unchanged, on its worker's.
class Site {
 public:
    virtual ~Site() = default;
    // The addresses it wants to be listened on, each once.
    virtual const std::vector<Listen>& listens() const = 0;
};

// What all of a worker's servers share; it outlives them.
struct WorkerContext {
    Loop& loop;
    unsigned number;       // of the worker, from 0
    uint32_t connections_max;
    const Log* log;        // of the current generation's main block; may change at a reload
    Metrics::Writer& metrics;
    Counters& counters;    // its own
    const TicketKeys& ticket_keys;  // of all workers
    const Lives* lives = nullptr;  // of all workers; there when the worker is one of many processes, or the only one
    Life life = {};                // its own
    const RunState* run_state = nullptr;  // what the master says; there whenever there are processes
    Steering* steering = nullptr;         // whom to ask for a reload; likewise
};

// One protocol in one worker.
class Server {
 public:
    virtual ~Server() = default;

    // From now on new requests are served by `site`. The server keeps it as long as requests need it.
    virtual void use(std::shared_ptr<const Site> site) = 0;

    // A connection was accepted on the listening socket `key` of the current site. The server owns it.
    virtual void accepted(Fd socket, const std::string& key) = 0;

    // Connections now open; the worker does not accept beyond connections_max over all its servers.
    virtual size_t connections() const = 0;

    // No more requests after those being served: idle connections are closed, busy ones after their answer.
    // Calls of accepted() that still come are served too.
    virtual void drain() = 0;

    // Ends every connection at once, in order: operations are cancelled and awaited, nothing is waited for.
    virtual void end() = 0;
};

}  // namespace ringx

// http/server.h - the http protocol in one worker: its connections, and what they share.
//
// Requests, output and the cache of files belong to the worker, because all of them are used in turns. A new
// generation takes effect here in one step: use() points every listening address at it, and so the next request of
// each connection.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/list.h"
#include "http/connection.h"
#include "http/file_cache.h"
#include "http/health_checker.h"
#include "http/output.h"
#include "http/page_cache.h"
#include "http/request_pool.h"
#include "http/site.h"
#include "net/peer_names.h"
#include "net/resolver.h"
#include "net/service.h"
#include "net/stapler.h"
#include "net/tls_metrics.h"
#include "net/upstream_connection.h"

namespace ringx::http {

// An address connections come in by, and what it means in the current generation. When a new generation no longer
// listens there, the connections that are left stay with the old one.
struct ListenSlot {
    std::shared_ptr<const Site> site;
    const ListenPoint* point = nullptr;
    size_t connections = 0;
};

class HttpServer : public Server, private Timer {
 public:
    explicit HttpServer(const WorkerContext& worker);
    ~HttpServer() override;

    void use(std::shared_ptr<const ringx::Site> site) override;
    void accepted(Fd socket, const std::string& listen_key) override;
    // Those to OCSP responders and name servers, too, whoever asks for names or checks servers again and again, and
    // those to servers behind us that are being closed.
    size_t connections() const override {
        return count_ + stapler_.inquiries() + peer_names_.count() + health_.count() + resolver_.questions() +
               upstreams_.closing();
    }
    void drain() override;
    void end() override;

    // For connections.
    Loop& loop() { return worker_.loop; }
    const Clock& clock() const { return worker_.loop.clock(); }
    bool draining() const { return draining_; }
    Counters& counters() { return worker_.counters; }
    TlsMetrics& tls_metrics() { return tls_metrics_; }
    Output& output() { return output_; }
    Resolver& resolver() { return resolver_; }
    OcspDesk& client_desk() { return client_desk_; }
    const TicketKeys& ticket_keys() const { return worker_.ticket_keys; }
    // Whether the kernel may be asked to encrypt TLS: until it could not.
    bool kernel_seals() const { return kernel_seals_; }
    void note_kernel_cannot_seal() { kernel_seals_ = false; }
    const PageCache& page_cache() const { return page_cache_; }
    uint64_t next_connection_number();

    void enter(Connection& connection, ListenSlot& listen);
    void leave(ListenSlot& listen);

    Request& take_request(Peer& peer) {
        worker_.counters.requests.add(1);
        return take_uncounted_request(peer);
    }
    // For what is no request of a client.
    Request& take_uncounted_request(Peer& peer) { return requests_.take(parts_, peer); }
    void give_back(Request& request) { requests_.give_back(request); }

 private:
    // Some time after a crowd has left.
    void expire() override;
    void end_errands();

    WorkerContext worker_;
    std::shared_ptr<const Site> site_;
    std::map<std::string, ListenSlot, std::less<>> slots_;  // by key; they stay until the worker ends
    FileCache files_;
    WorkerParts parts_;
    Output output_;
    PageCache page_cache_;
    TlsMetrics& tls_metrics_;
    Resolver resolver_;
    UpstreamPool upstreams_;
    OcspDesk client_desk_;
    Stapler stapler_;
    PeerNames peer_names_;
    HealthChecker health_;
    RequestPool requests_;
    List<Connection> open_;
    size_t count_ = 0;
    size_t crowd_ = 0;  // the most connections since memory was last given back to the system
    uint64_t numbers_ = 0;
    bool draining_ = false;
    bool kernel_seals_ = true;
};

}  // namespace ringx::http

// t/unit/http/sample_site.h - a site made of a configuration, and a routed request of it.
//
// For tests of what needs both: variables, logs, routing. There is no connection and no network: the head is parsed and
// routed as the server does it, and the test fills in what became of the answer. The loop has a scripted engine.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "conf/load.h"
#include "event/loop.h"
#include "http/file_cache.h"
#include "http/request_pool.h"
#include "http/site.h"
#include "net/resolver.h"
#include "net/upstream_connection.h"

namespace ringx::http {

class SampleSite {
 public:
    // `http` stands in the http block; a server that listens on port 1 is the one requests come to.
    explicit SampleSite(std::string_view http);
    ~SampleSite();

    const conf::Tree& tree() const { return *tree_; }
    // Of the configuration, without positions.
    std::vector<std::string> mistakes() const;

    // The request of this head, whose lines end in \n here; the one before is forgotten.
    // REQUIRES: there were no mistakes.
    Request& request(std::string_view head = "GET / HTTP/1.1\nHost: a\n\n");

    // One turn, without sleeping.
    void turn() { loop.turn(0); }

    Loop loop;
    Peer peer;
    std::unique_ptr<WorkerParts> worker;

 private:
    std::unique_ptr<Metrics> metrics_ = *Metrics::create();
    Metrics::Writer writer_ = metrics_->claim();
    std::shared_ptr<conf::Tree> tree_;
    std::shared_ptr<const Site> site_;
    FileCache files_;
    Resolver resolver_;
    UpstreamPool upstreams_;
    RequestPool requests_;
    std::string bytes_;
    Request request_;
};

// A folder of the test's own, with a slash at the end; gone with the object.
class SampleFolder {
 public:
    SampleFolder();
    ~SampleFolder();

    std::string path(std::string_view name) const { return folder_ + std::string(name); }
    std::string read(std::string_view name) const;

 private:
    std::string folder_;
};

}  // namespace ringx::http

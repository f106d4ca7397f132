// http/upstream.h - the groups of servers that requests are passed on to, as the configuration names them.
//
// An `upstream` block is such a group; so is every other host that somebody passes requests on to, with the addresses
// it has. Who wants a group asks for it by name while the configuration is read, and is given an UpstreamTarget. Whom
// that means is settled when all is read, since a block may stand anywhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "conf/language.h"
#include "http/sticky.h"
#include "net/peer_names.h"
#include "net/peers.h"

namespace ringx::http {

class Request;

// A group, and how connections to it are kept. The directives of its block are modules/upstream.
struct Upstream {
    std::string name;  // as written
    uint16_t port = 0;  // of a host; a block has none
    conf::Place place;  // of the block, or of the first who named the host
    std::vector<PeerServer> servers;
    std::shared_ptr<const PeerGroup> group;  // made of them when all is read

    Setting<Balance> balance{Balance::in_turn};
    TimeRules time;
    Template key;  // of hash
    const NamedZone* zone = nullptr;  // null: each worker counts for itself
    std::shared_ptr<const NamedZone> plans;  // where its servers are changed at run time; null: they cannot be
    Setting<std::string_view> state;  // the file its servers are in, as an absolute path; empty: in the configuration
    Setting<std::string_view> status_zone;  // where requests to its servers are counted together; empty: nowhere
    std::unique_ptr<Sticky> sticky;   // null: nobody is bound to a server

    Setting<uint32_t> queue{0};  // requests of each worker that may wait until a server has room
    std::chrono::milliseconds queue_timeout{std::chrono::seconds(60)};

    Setting<std::shared_ptr<const ResolverRules>> resolver;  // null: that of the http block
    Setting<std::chrono::milliseconds> resolver_timeout{std::chrono::seconds(30)};

    Setting<uint32_t> keepalive{32};      // idle connections that each worker keeps; 0: none
    bool keepalive_local = true;  // a location does not use those of another
    Setting<uint32_t> keepalive_requests{1000};  // over one connection
    Setting<std::chrono::milliseconds> keepalive_time{std::chrono::hours(1)};
    Setting<std::chrono::milliseconds> keepalive_timeout{std::chrono::seconds(60)};

    // Its peers in the worker of this request, and by what one is chosen for it.
    std::shared_ptr<PeerRoster> roster(Request& request) const;
    PeerWish wish(Request& request) const;
};

// Whom a directive passes requests to: HOST[:PORT] or unix:PATH.
struct UpstreamTarget {
    std::string name;  // without port
    uint16_t port = 0;  // the one that was written, or the default
    bool has_port = false;
    conf::Place place;
    const Upstream* upstream = nullptr;  // there when all is read
};

// All of a configuration; in its http block.
class Upstreams {
 public:
    // A block begins. Complains when there is another one of its name.
    void open(conf::Binding& binding, Upstream& block);

    // Complains in nginx's words and gives null when the text is none. It stays where it is.
    const UpstreamTarget* use(conf::Binding& binding, const conf::Word& word, std::string_view text,
                              uint16_t default_port);

    // For names that are known only at run time: the block of that name, or the host with that port when some directive
    // names it, too. Null when there is none.
    const Upstream* find(std::string_view name, uint16_t port, bool has_port) const;

    // Those with names that have to be looked up while the server runs.
    const std::vector<NamedGroup>& named_groups() const { return named_groups_; }

    // Blocks and hosts, in the order they were found.
    std::vector<const Upstream*> all() const;

    // A block or host is called so.
    bool has(std::string_view name) const;

    void complete(conf::Completion& completion);

 private:
    void note_names(const Upstream& upstream, const conf::Block& http);
    const Upstream* find_block(std::string_view name) const;
    const Upstream* find_host(std::string_view name, uint16_t port) const;

    std::vector<Upstream*> blocks_;
    std::vector<std::unique_ptr<Upstream>> hosts_;
    std::vector<std::unique_ptr<UpstreamTarget>> targets_;
    std::vector<NamedGroup> named_groups_;
};

extern constinit conf::Slot<Upstreams> upstreams;
extern const conf::Section upstreams_section;

// All peers of a worker.
WorkerPeers& worker_peers(Request& request);

}  // namespace ringx::http

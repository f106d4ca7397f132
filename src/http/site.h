// http/site.h - what requests are routed by: the servers of each address, their names and their locations.
//
// Made once from a loaded tree and never changed; a generation's site lives as long as a request or connection of it.
// Choosing follows nginx: first the address, then the name (exact, longest *.suffix, longest prefix.*, first regex,
// default), then the location (exact, longest prefix and what is nested in it, first regex).
#pragma once

#include <array>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "conf/load.h"
#include "http/core_settings.h"
#include "http/h1_parser.h"
#include "http/module.h"
#include "http/server_settings.h"
#include "net/peer_names.h"
#include "net/service.h"

namespace ringx::http {

class HealthChecks;
class Site;
class StatusZones;
class Upstreams;
struct Location;

// The way of a request. Those without a module's name in http/module.h are ours: http/pipeline.h.
enum class Stage : uint8_t {
    server_rewrite, find_location, rewrite, post_rewrite, preaccess, access, precontent, respond, nothing,
};

// What is done in a block: the functions of those modules that apply there, in order.
struct Phases {
    using Step = Answer (*)(Request&);
    std::array<std::vector<Step>, static_cast<size_t>(Stage::nothing) + 1> stages;
    std::vector<void (*)(Request&, Response&)> filters;
    std::vector<void (*)(Request&)> logs;

    Phases(std::span<const Module* const> applying, const CoreSettings& core);
    std::vector<Step>& steps(Stage stage) { return stages[static_cast<size_t>(stage)]; }
    const std::vector<Step>& steps(Stage stage) const { return stages[static_cast<size_t>(stage)]; }
};

// Blocks in which the same modules apply have the same phases.
class KnownPhases {
 public:
    const Phases& of(const conf::Block& block);

 private:
    using Key = std::tuple<std::vector<const Module*>, Phases::Step, CoreSettings::Satisfy>;

    std::map<Key, Phases> all_;
    std::vector<const Module*> applying_;
};

// The locations of a server, or those nested in a location.
class LocationSet {
 public:
    // The location for a path, or null. Matching a regex leaves its captures in the request. One whose name is the
    // path and a slash wants the client to add it.
    const Location* find(std::string_view path, Request& request) const;
    // The location named `name`, which begins with @, or null.
    const Location* find_named(std::string_view name) const;

    void add(std::unique_ptr<Location> location);
    // Called once, after the last add().
    void sort();

 private:
    struct Prefix {
        std::string_view text;
        const Location* location;
        int shorter;  // index of the longest other prefix that this one begins with, or -1
    };
    struct Found {
        const Location* location = nullptr;
        bool is_final = false;
    };

    Found search(std::string_view path, Request& request) const;
    const Location* longest_prefix(std::string_view path) const;

    using ByText = std::unordered_map<std::string_view, const Location*>;

    struct Tables {
        std::vector<std::unique_ptr<Location>> all;
        std::unique_ptr<ByText> exact, named;  // null when there are none
        std::unique_ptr<ByText> slashless;     // without their last slash: where the path itself is redirected
        std::vector<Prefix> prefixes;
        std::vector<const Location*> regexes;
    };

    std::unique_ptr<Tables> tables_;  // null when it is empty: most locations have none inside
};

struct Location {
    Location(const conf::Block& of, KnownPhases& known);

    const conf::Block* block;
    const CoreSettings* core;
    const LocationName* name;
    const Phases& phases;
    LocationSet inner;
    std::vector<std::unique_ptr<Location>> ifs;  // what rules when they match, in the order they were written
    std::unique_ptr<Location> limited;           // what rules for all but these methods
    uint32_t exempt_methods;
};

struct VirtualServer {
    VirtualServer(const Site& of_site, const conf::Block& of, KnownPhases& known);

    const Site& site;
    const ServerSettings* settings;
    HeadLimits limits;
    Location outside;  // the server seen as a location: for requests that are in none; its locations are nested in it
};

// The servers of one address.
class ListenPoint {
 public:
    // The server for a host name in lower case. Matching a regex leaves its captures in the request.
    const VirtualServer& find(std::string_view host, Request& request) const { return find(host, &request); }
    // The same without captures.
    const VirtualServer& find(std::string_view host) const { return find(host, nullptr); }
    const VirtualServer& default_server() const { return *default_; }
    // Connections begin with a header of the PROXY protocol.
    bool has_proxy_protocol() const { return proxy_protocol_; }
    ListenTls tls() const { return tls_; }

 private:
    friend class Site;
    using ByName = std::unordered_map<std::string_view, const VirtualServer*>;

    const VirtualServer& find(std::string_view host, Request* request) const;
    // The server under the longest (for suffixes) or shortest-cut (for prefixes) part of the host, or null.
    const VirtualServer* find_wildcard(std::string_view host) const;
    void look_for_names();
    // The first of equal names wins.
    void add(const ServerName& name, const VirtualServer& server);

    const VirtualServer* default_ = nullptr;
    bool proxy_protocol_ = false;
    ListenTls tls_ = ListenTls::off;
    bool only_default_ = true;  // no name leads to another server
    ByName exact_, suffixes_, prefixes_;
    std::vector<std::pair<const Regex*, const VirtualServer*>> regexes_;
};

// REQUIRES: it is owned by a shared_ptr.
class Site : public ringx::Site, public std::enable_shared_from_this<Site> {
 public:
    explicit Site(std::shared_ptr<const conf::Tree> tree);

    const std::vector<Listen>& listens() const override { return listens_; }
    // Null when this generation does not listen there.
    const ListenPoint* find(const std::string& listen_key) const;
    // How its servers speak TLS.
    std::vector<std::shared_ptr<const TlsContext>> tls_contexts() const;
    std::span<const std::unique_ptr<VirtualServer>> servers() const { return servers_; }
    // What is counted of its requests and handshakes, it has in these; once, before it serves.
    void adopt(Metrics::Writer& metrics) const;
    // The groups of upstream servers with names that have to be looked up.
    const std::vector<NamedGroup>& named_groups() const;
    const HealthChecks& health_checks() const;
    const StatusZones& status_zones() const;
    const Upstreams& upstreams() const;
    // Requests may be passed on to a group or host of this name.
    bool has_upstream(std::string_view name) const;
    // Of what belongs to no server.
    const Log& log() const;

 private:
    void add_server(const conf::Block& block);

    std::shared_ptr<const conf::Tree> tree_;
    KnownPhases phases_;
    std::vector<std::unique_ptr<VirtualServer>> servers_;
    std::unordered_map<std::string, ListenPoint> points_;
    std::vector<Listen> listens_;
};

}  // namespace ringx::http

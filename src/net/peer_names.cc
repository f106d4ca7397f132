#include "net/peer_names.h"

#include <algorithm>

#include "base/format.h"
#include "event/wait.h"

namespace ringx {
namespace {

// After a failure. Name servers and other servers are often started together with this one.
constexpr uint64_t again_after_failure_ms = 5'000;
// Whatever an answer says: not more often.
constexpr uint64_t again_ms_min = 1'000;
constexpr uint64_t never = ~uint64_t{0};

// The name of a service: "_http._tcp.example.com" of "http", "a.b.example.com" of "a.b".
std::string service_name(const PeerServer& server) {
    if (server.service.contains('.')) return text::format("{}.{}", server.service, server.name_to_resolve);
    return text::format("_{}._tcp.{}", server.service, server.name_to_resolve);
}

std::vector<FoundPeer> peers_of(const std::vector<ServicePeer>& services) {
    std::vector<FoundPeer> peers;
    for (const ServicePeer& service : services) {
        bool is_backup = service.priority != services.front().priority;  // they come by priority
        peers.push_back({.address = service.address, .weight = service.weight, .backup = is_backup});
    }
    return peers;
}

}  // namespace

// One name. It lives in the frame of its conversation.
struct PeerNames::Care : ListNode {
    Care(PeerNames& all, NamedGroup of, size_t index, WorkerPeers& worker)
        : names(all), named(std::move(of)), server(index), peers(worker) {
        names.cares_.push_back(*this);
        ++names.count_;
    }
    ~Care() {
        unlink();
        --names.count_;
    }

    const PeerServer& rules() const { return named.group->servers[server]; }
    void found(std::span<const FoundPeer> all) {
        has_found = !all.empty();
        peers.resolved(named.group, server, all);
    }
    void end() {
        over = true;
        if (lookup != nullptr) lookup->cancel();
        if (pause != nullptr) pause->cancel();
    }

    PeerNames& names;
    NamedGroup named;
    size_t server;
    WorkerPeers& peers;
    NameLookup* lookup = nullptr;
    Sleep* pause = nullptr;
    bool has_found = false;  // peers that others know by now
    bool over = false;
};

void PeerNames::use(const std::vector<NamedGroup>& groups, WorkerPeers& peers, const Log* log) {
    end();
    log_ = log;
    for (const NamedGroup& named : groups) {
        for (size_t i = 0; i < named.group->servers.size(); ++i) {
            if (!named.group->servers[i].name_to_resolve.empty()) care_for(named, i, peers);
        }
    }
}

void PeerNames::end() {
    cares_.each([](Care& care) { care.end(); });
    log_ = nullptr;
}

// Asks once; gives after how long to ask again.
Task<uint64_t> PeerNames::look_up(Care& care) {
    const PeerServer& server = care.rules();
    NameLookup lookup(resolver_, care.named.rules);
    care.lookup = &lookup;
    std::string name = server.service.empty() ? server.name_to_resolve : service_name(server);
    std::vector<FoundPeer> found;
    std::optional<NameFault> fault;
    uint64_t until_ms = 0;
    if (server.service.empty()) {
        auto addresses = co_await lookup.find(name, server.port, care.named.limit_ms);
        if (addresses) {
            for (const Address& address : addresses->all) found.push_back({.address = address});
            until_ms = addresses->until_ms;
        } else {
            fault = addresses.error();
        }
    } else {
        auto services = co_await lookup.find_services(name, care.named.limit_ms);
        // Some are better than none, but whom we know stays.
        if (services && !(services->has_gaps && care.has_found)) {
            found = peers_of(services->all);
            until_ms = services->has_gaps ? 0 : services->until_ms;
        } else {
            fault = services ? NameFault::timed_out : services.error();
        }
    }
    care.lookup = nullptr;
    if (care.over) co_return never;
    if (!fault || *fault == NameFault::not_found) care.found(found);
    if (fault) {
        log_->write(Level::error, "{} could not be resolved ({})", name, text_of(*fault));
        co_return again_after_failure_ms;
    }
    if (!server.resolve) co_return never;
    uint64_t now_ms = resolver_.loop().clock().now_ms();
    co_return std::max(until_ms > now_ms ? until_ms - now_ms : 0, again_ms_min);
}

Conversation PeerNames::care_for(NamedGroup named, size_t server, WorkerPeers& peers) {
    Care care(*this, std::move(named), server, peers);
    while (!care.over) {
        uint64_t after_ms = co_await look_up(care);
        if (after_ms == never) break;
        Sleep pause(resolver_.loop(), after_ms);
        care.pause = &pause;
        co_await pause;
        care.pause = nullptr;
    }
}

}  // namespace ringx

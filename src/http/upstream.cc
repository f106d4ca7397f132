#include "http/upstream.h"

#include <algorithm>

#include "base/format.h"
#include "http/known_addresses.h"
#include "http/limits.h"
#include "http/request.h"
#include "http/resolver_directive.h"

namespace ringx::http {
namespace {

bool is_of_name(std::string_view name, const Upstream& upstream) { return conf::same_keyword(name, upstream.name); }

// The servers of a host that is no block: one, with all addresses it has.
std::vector<PeerServer> servers_of_host(const Upstream& host, conf::Completion& completion) {
    PeerServer server;
    server.name = host.port == 0 ? host.name : text::format("{}:{}", host.name, host.port);
    server.port = host.port;
    server.addresses = find_addresses(completion, server.name, host.port);
    if (server.addresses.empty()) {
        server.name_to_resolve = host.name;
        completion.warn(host.place, text::format("host not found in upstream \"{}\"", host.name),
                        "it is looked up again while the server runs");
    }
    return {std::move(server)};
}

std::shared_ptr<const PeerGroup> make_group(const Upstream& upstream) {
    auto group = std::make_shared<PeerGroup>();
    group->name = upstream.name;
    group->servers = upstream.servers;
    group->balance = *upstream.balance;
    group->time = upstream.time;
    group->is_counted = true;
    group->status_zone = *upstream.status_zone;
    group->is_saved = upstream.state.given;
    group->binds = upstream.sticky != nullptr;
    if (upstream.zone != nullptr) group->zone = upstream.zone->shared_from_this();
    group->plans = upstream.plans;
    group->complete();
    return group;
}

}  // namespace

std::vector<const Upstream*> Upstreams::all() const {
    std::vector<const Upstream*> all(blocks_.begin(), blocks_.end());
    for (const auto& host : hosts_) all.push_back(host.get());
    return all;
}

constinit conf::Slot<Upstreams> upstreams{conf::http};
const conf::Section upstreams_section{"upstreams", {}, &upstreams};

std::shared_ptr<PeerRoster> Upstream::roster(Request& request) const {
    std::shared_ptr<PeerRoster> roster = worker_peers(request).roster(group);
    auto news = roster->take_news();
    if (news.repaired) report_repair(request, *zone);
    if (news.full) {
        request.log().write(Level::error, request.log_context(), "no room in zone \"{}\" for all peers of \"{}\"",
                            zone->name, name);
    }
    return roster;
}

PeerWish Upstream::wish(Request& request) const {
    PeerWish wish{.key = *balance == Balance::by_address ? request.arena.copy(address_key(request.remote()))
                                                         : key.evaluate(request)};
    if (sticky != nullptr) wish.route = sticky->route(request);
    return wish;
}

const Upstream* Upstreams::find_block(std::string_view name) const {
    auto found = std::ranges::find_if(blocks_, [&](const Upstream* block) { return is_of_name(name, *block); });
    return found == blocks_.end() ? nullptr : *found;
}

const Upstream* Upstreams::find_host(std::string_view name, uint16_t port) const {
    auto found = std::ranges::find_if(
        hosts_, [&](const auto& host) { return host->port == port && is_of_name(name, *host); });
    return found == hosts_.end() ? nullptr : found->get();
}

const Upstream* Upstreams::find(std::string_view name, uint16_t port, bool has_port) const {
    const Upstream* block = has_port ? nullptr : find_block(name);
    return block != nullptr ? block : find_host(name, port);
}

bool Upstreams::has(std::string_view name) const {
    auto is_called_so = [name](const auto& one) { return is_of_name(name, *one); };
    return std::ranges::any_of(blocks_, is_called_so) || std::ranges::any_of(hosts_, is_called_so);
}

void Upstreams::open(conf::Binding& binding, Upstream& block) {
    const conf::Word& word = binding.words()[0];
    if (find_block(word.text) != nullptr) {
        return binding.mistake(word, text::format("duplicate upstream \"{}\"", word.text));
    }
    block.name = word.text;
    block.place = word.place;
    blocks_.push_back(&block);
}

const UpstreamTarget* Upstreams::use(conf::Binding& binding, const conf::Word& word, std::string_view text,
                                     uint16_t default_port) {
    HostText host = read_host(text, default_port);
    if (!host.fault.empty()) {
        binding.mistake(word, text::format("{} in upstream \"{}\"", host.fault, text));
        return nullptr;
    }
    bool is_path = host.host.empty();
    targets_.push_back(std::make_unique<UpstreamTarget>());
    UpstreamTarget& target = *targets_.back();
    target.name = is_path ? text : host.host;
    target.port = is_path ? 0 : host.port;
    target.has_port = host.has_port;
    target.place = word.place;
    return &target;
}

void Upstreams::note_names(const Upstream& upstream, const conf::Block& http) {
    bool has_names = std::ranges::any_of(upstream.servers,
                                         [](const PeerServer& server) { return !server.name_to_resolve.empty(); });
    if (!has_names) return;
    // The settings around may not be complete yet, but what is written in this very block is there.
    const CoreSettings& outer = core_settings.in(http);
    auto timeout = upstream.resolver_timeout.given ? *upstream.resolver_timeout : *outer.resolver_timeout;
    named_groups_.push_back({.group = upstream.group,
                             .rules = with_timeout(upstream.resolver.given ? *upstream.resolver : *outer.resolver,
                                                   timeout),
                             .limit_ms = static_cast<uint64_t>(timeout.count())});
}

void Upstreams::complete(conf::Completion& completion) {
    for (Upstream* block : blocks_) {
        bool all_backup = std::ranges::all_of(block->servers, &PeerServer::backup);
        if (all_backup && !block->state.given) {
            completion.mistake(block->place, text::format("no servers in upstream \"{}\"", block->name));
        }
        block->group = make_group(*block);
        note_names(*block, completion.block());
    }
    for (auto& target : targets_) {
        target->upstream = find_block(target->name);
        if (target->upstream != nullptr && target->has_port) {
            completion.mistake(target->place, text::format("upstream \"{}\" may not have port {}", target->name,
                                                           target->port));
        }
        if (target->upstream == nullptr) target->upstream = find_host(target->name, target->port);
        if (target->upstream != nullptr) continue;
        bool is_path = target->name.starts_with("unix:");
        if (target->port == 0 && !is_path) {
            completion.mistake(target->place, text::format("no port in upstream \"{}\"", target->name));
            continue;
        }
        Upstream& host = *hosts_.emplace_back(std::make_unique<Upstream>());
        host.name = target->name;
        host.port = target->port;
        host.place = target->place;
        host.servers = servers_of_host(host, completion);
        host.group = make_group(host);
        note_names(host, completion.block());
        target->upstream = &host;
    }
}

WorkerPeers& worker_peers(Request& request) {
    return request.worker->states.get<WorkerPeers>(*request.worker->lives, request.worker->life,
                                                     &request.worker->metrics);
}

}  // namespace ringx::http

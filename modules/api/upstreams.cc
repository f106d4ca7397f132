// modules/api/upstreams.cc - upstreams: the servers of groups, listed, added, changed and removed.
//
// A server is known by its address, or by the name the configuration gives it, which may stand for several addresses.
// What is said holds in all workers when the answer leaves, and is in the group's state file, if it has one.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/format.h"
#include "event/next_turn.h"
#include "event/wait.h"
#include "http/escape.h"
#include "http/json_writer.h"
#include "http/site.h"
#include "http/upstream.h"
#include "http/upstream_report.h"
#include "modules/api/call.h"
#include "modules/api/peer_values.h"
#include "modules/api/reply.h"
#include "modules/api/resources.h"
#include "net/peer_state_file.h"

namespace ringx::http::api {
namespace {

constexpr uint16_t default_port = 80;

// The block of that name, or else the first host.
const Upstream* find_upstream(Request& request, std::string_view name) {
    for (const Upstream* upstream : request.server->site.upstreams().all()) {
        if (upstream->group->name == name) return upstream;
    }
    return nullptr;
}

Answer refuse_unknown_upstream(Call& call) {
    return refuse(call.request, 404, "unknown_upstream", text::format("There is no upstream \"{}\".",
                                                                      call.parameters[0]));
}

Answer refuse_fault(Call& call, PeerFault fault, std::string_view server) {
    std::string_view group = call.parameters[0];
    switch (fault) {
        case PeerFault::no_zone:
            return refuse(call.request, 409, "no_zone",
                          text::format("The servers of upstream \"{}\" cannot be changed: it has no zone.", group));
        case PeerFault::unknown:
            return refuse(call.request, 404, "unknown_peer",
                          text::format("Upstream \"{}\" has no server \"{}\".", group, server));
        case PeerFault::exists:
            return refuse(call.request, 409, "peer_exists",
                          text::format("Upstream \"{}\" has the server \"{}\" already.", group, server));
        case PeerFault::no_room: break;
    }
    return refuse(call.request, 507, "zone_full", "There is no room for more changes of servers.");
}

// --- what there is

void write_peer(JsonWriter& json, PeerRoster& roster, size_t index, uint64_t now_ms) {
    const ringx::Peer& peer = roster.peers()[index];
    const PeerRules& rules = peer.rules;
    PeerState state = roster.state(index, now_ms);
    json.begin_object();
    json.member("server", peer.server->name);
    json.member("state", peer_state_name(peer, state, now_ms));
    json.member("weight", rules.weight);
    json.member("max_conns", rules.max_conns);
    json.member("max_fails", rules.max_fails);
    json.member("fail_timeout", rules.fail_timeout_ms / 1000);
    json.member("slow_start", rules.slow_start_ms / 1000);
    json.member("backup", roster.is_backup(index));
    json.member("down", rules.down);
    json.member("drain", rules.drain);
    if (!peer.route.empty()) json.member("route", peer.route);
    json.member("added", peer.server->added);
    json.member("active", state.connections);
    json.end();
}

// As a member "servers" those of that address or name, or all. An address may stand more than once in a group.
void write_servers(JsonWriter& json, PeerRoster& roster, uint64_t now_ms, std::string_view only = {}) {
    json.key("servers");
    json.begin_object();
    std::set<std::string_view> told;
    for (size_t i = 0; i < roster.peers().size(); ++i) {
        const ringx::Peer& peer = roster.peers()[i];
        bool is_meant = only.empty() || peer.text == only || peer.server->name == only;
        if (!is_meant || !told.insert(peer.text).second) continue;
        json.key(peer.text);
        write_peer(json, roster, i, now_ms);
    }
    json.end();
}

void write_upstream(JsonWriter& json, Request& request, const Upstream& upstream) {
    std::shared_ptr<PeerRoster> roster = worker_peers(request).roster(upstream.group);
    json.begin_object();
    json.key("zone");
    if (upstream.zone != nullptr) json.string(upstream.zone->name);
    else json.null();
    json.key("state_file");
    if (upstream.state.given) json.string(*upstream.state);
    else json.null();
    write_servers(json, *roster, request.worker->clock.now_ms());
    json.end();
}

// Groups may be many, and clients wait meanwhile.
Task<Answer> tell_all_upstreams(Request& request) {
    JsonWriter json;
    std::set<std::string_view> told;
    json.begin_object();
    json.key("upstreams");
    json.begin_object();
    for (const Upstream* upstream : request.server->site.upstreams().all()) {
        if (!told.insert(upstream->group->name).second) continue;
        json.key(upstream->group->name);
        write_upstream(json, request, *upstream);
        co_await NextTurn(request.worker->loop);
    }
    json.end();
    json.end();
    co_return reply(request, json.take());
}

Answer reply_servers(Request& request, const Upstream& upstream, std::string_view only, uint16_t status = 200) {
    JsonWriter json;
    json.begin_object();
    write_servers(json, *worker_peers(request).roster(upstream.group), request.worker->clock.now_ms(), only);
    json.end();
    return reply(request, json.take(), status);
}

// --- what is said about servers

struct Order {
    const Upstream* upstream;
    std::string server;
    PeerChange change;
};

struct Saving {
    PeerSaving peers;
    Result<void> result = {};

    static void run(void* saving) {
        auto* own = static_cast<Saving*>(saving);
        own->result = own->peers.run();
    }
};

// What has gone wrong; nothing if it is written, or there is no file.
Task<std::optional<Answer>> save(Request& request, const Upstream& upstream) {
    if (!upstream.state.given) co_return std::nullopt;
    WorkerPeers& peers = worker_peers(request);
    std::string path(*upstream.state);
    Saving saving{.peers = {path, upstream.group, peers.known_addresses(upstream.group), *peers.plan(upstream.group)}};
    Blocking blocking(request.worker->loop, Saving::run, &saving);
    co_await blocking;
    if (saving.result) co_return std::nullopt;
    Error error = saving.result.error();
    request.log().write(Level::error, request.log_context(), error,
                        "{}() failed: the servers of upstream \"{}\" were not written to \"{}\"", error.call,
                        upstream.name, path);
    co_return refuse(request, 500, "state_not_written",
                     text::format("The change is in force, but was not written to \"{}\": {}() failed ({}).", path,
                                  error.call, describe(error)));
}

std::string_view deed(PeerChange::Kind kind) {
    switch (kind) {
        case PeerChange::Kind::added: return "added to";
        case PeerChange::Kind::removed: return "removed from";
        case PeerChange::Kind::changed: break;
    }
    return "changed in";
}

Answer confirm(Request& request, const Order& order) {
    if (order.change.kind == PeerChange::Kind::removed) return reply(request, {}, 204);
    bool is_new = order.change.kind == PeerChange::Kind::added;
    Answer answer = reply_servers(request, *order.upstream, order.server, is_new ? 201 : 200);
    if (!is_new) return answer;
    std::string place(request.head.path);
    if (!place.ends_with('/')) place += '/';
    escape_uri(order.server, UriPart::component, place);
    answer.response.fields.add(request.arena, "Location", request.arena.copy(place));
    return answer;
}

Task<Answer> carry_out(Call& call, Order order) {
    Request& request = call.request;
    auto done = worker_peers(request).change(order.upstream->group, order.server, order.change);
    if (!done) co_return refuse_fault(call, done.error(), order.server);
    request.log().write(Level::notice, request.log_context(), "server {} was {} upstream \"{}\"", order.server,
                        deed(order.change.kind), order.upstream->name);
    std::optional<Answer> failure = co_await save(request, *order.upstream);
    if (failure) co_return std::move(*failure);
    co_return confirm(request, order);
}

// The server a path speaks of: an address as it is written everywhere, or a name.
std::string server_of(std::string_view text) {
    auto address = Address::parse(text, default_port);
    return address && !address->is_wildcard() ? address->text() : std::string(text);
}

}  // namespace

Answer get_upstreams(Call& call) { return Answer::later(tell_all_upstreams(call.request)); }

Answer get_upstream(Call& call) {
    const Upstream* upstream = find_upstream(call.request, call.parameters[0]);
    if (upstream == nullptr) return refuse_unknown_upstream(call);
    JsonWriter json;
    write_upstream(json, call.request, *upstream);
    return reply(call.request, json.take());
}

Answer get_peer(Call& call) {
    const Upstream* upstream = find_upstream(call.request, call.parameters[0]);
    if (upstream == nullptr) return refuse_unknown_upstream(call);
    std::string server = server_of(call.parameters[1]);
    if (!worker_peers(call.request).roster(upstream->group)->has(server)) {
        return refuse_fault(call, PeerFault::unknown, server);
    }
    return reply_servers(call.request, *upstream, server);
}

Answer add_peer(Call& call) {
    const Upstream* upstream = find_upstream(call.request, call.parameters[0]);
    if (upstream == nullptr) return refuse_unknown_upstream(call);
    MemberReader members(call.body);
    auto server = read_new_server(members);
    if (!server) return refuse(call.request, 400, "bad_value", server.error());
    auto change = read_peer_change(members, *upstream->group, true);
    if (!change) return refuse(call.request, 400, "bad_value", change.error());
    Order order{upstream, std::move(*server), std::move(*change)};
    return Answer::later(carry_out(call, std::move(order)));
}

Answer change_peer(Call& call) {
    const Upstream* upstream = find_upstream(call.request, call.parameters[0]);
    if (upstream == nullptr) return refuse_unknown_upstream(call);
    MemberReader members(call.body);
    auto change = read_peer_change(members, *upstream->group, false);
    if (!change) return refuse(call.request, 400, "bad_value", change.error());
    Order order{upstream, server_of(call.parameters[1]), std::move(*change)};
    return Answer::later(carry_out(call, std::move(order)));
}

Answer remove_peer(Call& call) {
    const Upstream* upstream = find_upstream(call.request, call.parameters[0]);
    if (upstream == nullptr) return refuse_unknown_upstream(call);
    Order order{upstream, server_of(call.parameters[1]), {.kind = PeerChange::Kind::removed}};
    return Answer::later(carry_out(call, std::move(order)));
}

}  // namespace ringx::http::api

#include "net/peer_plan.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"

namespace ringx {
namespace {

// What comes before the bytes of a name and of a route.
struct Encoded {
    PeerRules rules;
    PeerChange::Kind kind;
    uint32_t given;
    uint32_t is_backup;
    uint32_t is_withdrawn;
    uint32_t turn;
    uint32_t name_bytes;
    uint32_t route_bytes;
};
static_assert(std::is_trivially_copyable_v<Encoded>);

// Takes so many bytes from the front.
std::string_view take(std::string_view& bytes, size_t count) {
    CHECK(count <= bytes.size());
    std::string_view taken = bytes.substr(0, count);
    bytes.remove_prefix(count);
    return taken;
}

// The server of the configuration that has this name, or this address as the only one it can have.
const PeerServer* find_server(const PeerGroup& group, std::string_view text) {
    for (const PeerServer& server : group.servers) {
        if (server.name == text) return &server;
    }
    for (const PeerServer& server : group.servers) {
        auto address = Address::parse(server.name, server.port);
        if (address && address->text() == text) return &server;
    }
    return nullptr;
}

}  // namespace

void PeerChange::apply_to(PeerRules& into) const {
    if (given & weight) into.weight = rules.weight;
    if (given & max_conns) into.max_conns = rules.max_conns;
    if (given & max_fails) into.max_fails = rules.max_fails;
    if (given & fail_timeout) into.fail_timeout_ms = rules.fail_timeout_ms;
    if (given & slow_start) into.slow_start_ms = rules.slow_start_ms;
    if (given & down) into.down = rules.down;
    if (given & drain) into.drain = rules.drain;
}

void PeerChange::apply_to(PeerServer& server) const {
    server.removed = kind == Kind::removed;
    apply_to(server.rules);
    if (given & backup) server.backup = is_backup;
    if (given & route) server.route = bound_to;
}

void PeerChange::add(const PeerChange& later) {
    later.apply_to(rules);
    if (later.given & backup) is_backup = later.is_backup;
    if (later.given & route) bound_to = later.bound_to;
    given |= later.given;
}

const PeerChange* PeerPlan::find(std::string_view server) const {
    auto said = changes_.find(server);
    return said == changes_.end() ? nullptr : &said->second.change;
}

void PeerPlan::say(const PeerGroup& group, const std::set<std::string>& known, std::string_view server,
                   const PeerChange& change) {
    using enum PeerChange::Kind;
    const PeerServer* configured = find_server(group, server);
    std::string name(configured != nullptr ? configured->name : server);
    auto said = changes_.find(name);
    bool was_added = said != changes_.end() && said->second.change.kind == added;
    bool is_withdrawn = change.kind == removed && was_added && configured == nullptr && !known.contains(name);
    if (is_withdrawn && !group.is_saved) {
        changes_.erase(said);  // nobody else knows it
        return;
    }
    if (said == changes_.end()) said = changes_.try_emplace(std::move(name)).first;
    if (change.kind == changed) return said->second.change.add(change);
    said->second = {.change = change, .turn = turns_++, .is_withdrawn = is_withdrawn};
    if (is_withdrawn) forget_withdrawn(group, known);
}

void PeerPlan::forget_withdrawn(const PeerGroup& group, const std::set<std::string>& known) {
    auto is_withdrawn = [](const auto& entry) { return entry.second.is_withdrawn; };
    auto count = static_cast<size_t>(std::ranges::count_if(changes_, is_withdrawn));
    for (; count > withdrawn_max; --count) {
        auto first = std::ranges::min_element(changes_, {}, [&](const auto& entry) {
            return std::pair(!is_withdrawn(entry), entry.second.turn);
        });
        bool was_read = find_server(group, first->first) != nullptr || known.contains(first->first);
        if (was_read) first->second.is_withdrawn = false;  // as any server of the configuration that was removed
        else changes_.erase(first);
    }
}

PeerGroup PeerPlan::applied_to(const PeerGroup& group, const std::set<std::string>& known) const {
    PeerGroup made = group;
    made.ring = {};
    made.in_ring.clear();
    std::set<std::string_view> named;
    for (PeerServer& server : made.servers) {
        named.insert(server.name);
        if (const PeerChange* change = find(server.name)) change->apply_to(server);
    }
    std::vector<std::pair<uint32_t, PeerServer>> added;
    for (const auto& [name, said] : changes_) {
        if (said.change.kind != PeerChange::Kind::added || named.contains(name) || known.contains(name)) continue;
        PeerServer& server = added.emplace_back(said.turn, PeerServer()).second;
        server.name = name;
        server.added = true;
        if (auto address = Address::parse(name, 0)) server.addresses.push_back(*address);
        said.change.apply_to(server);
    }
    std::ranges::sort(added, {}, &std::pair<uint32_t, PeerServer>::first);
    for (auto& [turn, server] : added) made.servers.push_back(std::move(server));
    made.complete();
    return made;
}

std::string PeerPlan::encode() const {
    std::string bytes;
    for (const auto& [name, said] : changes_) {
        const PeerChange& change = said.change;
        Encoded head = {.rules = change.rules,
                        .kind = change.kind,
                        .given = change.given,
                        .is_backup = change.is_backup,
                        .is_withdrawn = said.is_withdrawn,
                        .turn = said.turn,
                        .name_bytes = static_cast<uint32_t>(name.size()),
                        .route_bytes = static_cast<uint32_t>(change.bound_to.size())};
        bytes.append(reinterpret_cast<const char*>(&head), sizeof(head));
        bytes += name;
        bytes += change.bound_to;
    }
    return bytes;
}

PeerPlan PeerPlan::decode(std::string_view bytes) {
    PeerPlan plan;
    while (!bytes.empty()) {
        Encoded head;
        memcpy(&head, take(bytes, sizeof(head)).data(), sizeof(head));
        std::string name(take(bytes, head.name_bytes));
        std::string_view route = take(bytes, head.route_bytes);
        plan.turns_ = std::max(plan.turns_, head.turn + 1);
        plan.changes_[std::move(name)] = {.change = {.kind = head.kind,
                                                     .given = head.given,
                                                     .rules = head.rules,
                                                     .is_backup = head.is_backup != 0,
                                                     .bound_to = std::string(route)},
                                          .turn = head.turn,
                                          .is_withdrawn = head.is_withdrawn != 0};
    }
    return plan;
}

}  // namespace ringx

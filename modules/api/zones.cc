// modules/api/zones.cc - the shared zones: what is in them, and how to begin anew with one.
//
// A zone is emptied for all workers at once, as it would be had one died while writing there: whoever keeps something
// in it can do without, or puts it there again. Where doing without meanwhile is worth no order, it is refused.
#include <algorithm>
#include <string>

#include "base/format.h"
#include "base/shared_table.h"
#include "http/json_writer.h"
#include "modules/api/call.h"
#include "modules/api/reply.h"
#include "modules/api/resources.h"
#include "net/shared_peer_plan.h"
#include "net/staples.h"
#include "net/zones.h"

namespace ringx::http::api {
namespace {

// Why zones of a use are not emptied.
struct Reason {
    std::string_view use;
    std::string_view sentence;
};
constexpr Reason kept[] = {
    {"upstream", "It holds how servers are: without that, those with health checks would get no requests until the "
                 "next check, and those that fail would get some again."},
    {SharedPeerPlan::zone_use, "It holds the servers that were added and changed since the configuration was read."},
    {"limit_conn_zone", "It holds what is under way, which ends by itself: without that, limits would let more in."},
    {Staples::use, "It holds what is stapled in handshakes: without that, clients that insist on it would turn away "
                   "until the response was asked for again."},
};

std::string_view reason_to_keep(const NamedZone& zone) {
    auto found = std::ranges::find(kept, zone.use, &Reason::use);
    return found == std::end(kept) ? std::string_view() : found->sentence;
}

const NamedZones& zones_of(const Request& request) { return named_zones.in(*request.block); }

const NamedZone* find_zone(const Call& call) {
    for (const auto& zone : zones_of(call.request).all()) {
        if (zone->name == call.parameters[0]) return zone.get();
    }
    return nullptr;
}

void tell(JsonWriter& json, const NamedZone& zone) {
    size_t all, free, entries;
    uint32_t emptied;
    {
        SharedZone::Lock lock(*zone.memory);
        all = lock.all_bytes();
        free = lock.free_bytes();
        entries = SharedTableBase::entries(lock);
        emptied = lock.emptied();
    }
    json.begin_object();
    json.member("name", zone.name);
    json.member("use", zone.use);
    json.member("size", zone.bytes);
    json.member("used_bytes", all - free);
    json.member("free_bytes", free);
    json.member("entries", entries);
    json.member("emptied", emptied);
    json.member("may_be_reset", reason_to_keep(zone).empty());
    json.end();
}

Answer answer_with(Request& request, const NamedZone& zone) {
    JsonWriter json;
    tell(json, zone);
    return reply(request, json.take());
}

Answer refuse_unknown(const Call& call) {
    return refuse(call.request, 404, "unknown_zone", text::format("There is no zone \"{}\".", call.parameters[0]));
}

}  // namespace

Answer get_zones(Call& call) {
    JsonWriter json;
    json.begin_object();
    json.key("zones");
    json.begin_array();
    for (const auto& zone : zones_of(call.request).all()) tell(json, *zone);
    json.end();
    json.end();
    return reply(call.request, json.take());
}

Answer get_zone(Call& call) {
    const NamedZone* zone = find_zone(call);
    return zone == nullptr ? refuse_unknown(call) : answer_with(call.request, *zone);
}

Answer reset_zone(Call& call) {
    const NamedZone* zone = find_zone(call);
    if (zone == nullptr) return refuse_unknown(call);
    std::string_view reason = reason_to_keep(*zone);
    if (!reason.empty()) return refuse(call.request, 409, "zone_in_use", reason);
    SharedZone::Lock(*zone->memory).empty();
    return answer_with(call.request, *zone);
}

}  // namespace ringx::http::api

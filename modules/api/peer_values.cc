#include "modules/api/peer_values.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "net/address.h"

namespace ringx::http::api {
namespace {

constexpr uint16_t default_port = 80;
constexpr int64_t count_max = UINT32_MAX;
constexpr int64_t seconds_max = 366 * 24 * 3600;
constexpr int64_t weight_max = 65535;
constexpr int64_t ring_weight_max = 1000;  // each unit has 160 points on the ring, in every worker
constexpr size_t route_bytes_max = 32;

// Reads members into a change.
class ChangeReader {
 public:
    explicit ChangeReader(MemberReader& members) : members_(members) {}

    void number(std::string_view name, int64_t min, int64_t max, PeerChange::Field field, uint32_t& into) {
        if (auto value = members_.integer(name, min, max)) {
            into = static_cast<uint32_t>(*value);
            change.given |= field;
        }
    }
    void seconds(std::string_view name, PeerChange::Field field, uint64_t& into_ms) {
        if (auto value = members_.integer(name, 0, seconds_max)) {
            into_ms = static_cast<uint64_t>(*value) * 1000;
            change.given |= field;
        }
    }
    void flag(std::string_view name, PeerChange::Field field, bool& into) {
        if (auto value = members_.boolean(name)) {
            into = *value;
            change.given |= field;
        }
    }
    void route() {
        if (auto value = members_.string("route")) {
            change.bound_to = *value;
            change.given |= PeerChange::route;
        }
    }

    PeerChange change;

 private:
    MemberReader& members_;
};

}  // namespace

std::expected<std::string, std::string> read_new_server(MemberReader& members) {
    auto text = members.string("server");
    if (!text) {
        auto mistake = members.mistake();
        return std::unexpected(mistake && mistake->starts_with("\"server\"") ? *mistake : "\"server\" is missing.");
    }
    bool is_bare_port = text->find_first_not_of("0123456789") == text->npos;
    auto address = Address::parse(*text, default_port);
    bool has_port = address && (text->starts_with("unix:") || address->port() != 0);
    if (is_bare_port || !has_port || address->is_wildcard()) {
        return std::unexpected("\"server\" must be an address as in 127.0.0.1:8080, [::1]:8080 or unix:/path.");
    }
    return address->text();
}

std::expected<PeerChange, std::string> read_peer_change(MemberReader& members, const PeerGroup& group, bool is_new) {
    ChangeReader reader(members);
    PeerChange& change = reader.change;
    bool has_ring = group.balance == Balance::by_ring;
    reader.number("weight", 1, has_ring ? ring_weight_max : weight_max, PeerChange::weight, change.rules.weight);
    reader.number("max_conns", 0, count_max, PeerChange::max_conns, change.rules.max_conns);
    reader.number("max_fails", 0, count_max, PeerChange::max_fails, change.rules.max_fails);
    reader.seconds("fail_timeout", PeerChange::fail_timeout, change.rules.fail_timeout_ms);
    reader.seconds("slow_start", PeerChange::slow_start, change.rules.slow_start_ms);
    reader.flag("down", PeerChange::down, change.rules.down);
    reader.flag("drain", PeerChange::drain, change.rules.drain);
    reader.route();
    if (is_new) reader.flag("backup", PeerChange::backup, change.is_backup);
    if (auto mistake = members.mistake()) return std::unexpected(std::move(*mistake));
    bool needs_turns = change.is_backup || change.rules.slow_start_ms != 0;
    if (needs_turns && !takes_turns(group.balance)) {
        return std::unexpected("The load balancing method of this group knows neither backups nor a slow start.");
    }
    if (change.bound_to.size() > route_bytes_max) return std::unexpected("\"route\" is longer than 32 bytes.");
    if (is_new) {
        change.kind = PeerChange::Kind::added;
        change.given = PeerChange::all;
    } else if (change.given == 0) {
        return std::unexpected("Nothing is said that could be changed.");
    }
    return std::move(change);
}

}  // namespace ringx::http::api

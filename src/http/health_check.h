// http/health_check.h - health checks of upstream servers, as the configuration names them.
//
// A location with `health_check` has the servers of the group it passes requests to checked; how one speaks with them
// is for the module to say that passes requests on (proxy): it says so by HealthSettings::speak_as(). What answers have
// to be like is in `match` blocks, which may stand anywhere. So all is put together when all is read. The checks are
// made by http/health_checker.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/language.h"
#include "http/exchange.h"
#include "http/health_match.h"
#include "http/upstream.h"
#include "http/upstream_protocol.h"
#include "http/upstream_tls.h"
#include "net/check_streak.h"

namespace ringx::http {

// How a server is spoken with in a check. All of it lives as long as the request.
struct HealthTalk {
    UpstreamProtocol* protocol;
    const ExchangeRules* rules;
    const UpstreamTls::Goal* tls = nullptr;  // null: as it is
};
// For a GET of this URI, which no client has asked for: of the request there is the block and little more.
using BeginHealthTalk = HealthTalk (*)(Request& request, std::string_view uri);

// A `match` block.
struct NamedMatch {
    std::string name;
    HealthMatch tests;
    std::vector<Template> required;  // of which none may be empty or 0
};

// What a `health_check` line says.
struct HealthRules {
    enum class Type : uint8_t { http, tcp };
    std::chrono::milliseconds interval{std::chrono::seconds(5)};
    std::chrono::milliseconds jitter{0};
    CheckStreak::Rules streak;
    std::string_view uri = "/";
    std::string_view match;  // empty: 2xx and 3xx
    uint16_t port = 0;       // 0: the server's
    Type type = Type::http;
    std::chrono::milliseconds keepalive_time{0};  // 0: a connection for each check
    bool mandatory = false;
    bool persistent = false;
};

// One check of one group.
struct HealthCheck {
    HealthRules rules;
    const Upstream* upstream = nullptr;
    const NamedMatch* match = nullptr;  // null: there is none
    const conf::Block* block = nullptr;  // of the location
    BeginHealthTalk begin = nullptr;
    uint32_t number = 0;  // in its group
};

// All of a configuration; in its http block.
class HealthChecks {
 public:
    static constexpr uint32_t of_group_max = 32;  // the bits of PeerState

    // A new one; null, with a complaint, when there is one of that name.
    NamedMatch* open_match(conf::Binding& binding);

    const NamedMatch* find_match(std::string_view name) const;
    // Gives it its number; complains when the group has too many.
    void add(conf::Completion& completion, const conf::Place& place, HealthCheck check);

    const std::vector<std::unique_ptr<HealthCheck>>& all() const { return checks_; }
    PeerChecks of(const Upstream& upstream) const;

 private:
    std::vector<std::unique_ptr<NamedMatch>> matches_;
    std::vector<std::unique_ptr<HealthCheck>> checks_;
};

// Of a location. The directive is modules/health_check.
struct HealthSettings {
    std::optional<HealthRules> check;
    conf::Place place;  // of the directive

    // Requests of this block are passed on to the target; null: variables tell where.
    static void speak_as(conf::Block& block, const UpstreamTarget* target, BeginHealthTalk begin);

    void complete(conf::Completion& completion);

 private:
    const UpstreamTarget* target_ = nullptr;
    BeginHealthTalk begin_ = nullptr;
};

extern constinit conf::Slot<HealthChecks> health_checks;
extern constinit conf::Slot<HealthSettings> health_settings;
extern const conf::Section health_checks_section;
extern const conf::Section health_settings_section;

}  // namespace ringx::http

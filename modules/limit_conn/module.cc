// modules/limit_conn/module.cc - limits of requests under way at once: `limit_conn_zone`, `limit_conn`.
//
// A connection counts from when the head of its request was read until the answer has been sent. All limits of a
// location are asked in order; the first that is reached refuses, and those before it give back what they counted.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/format.h"
#include "http/limit_metrics.h"
#include "http/limits.h"
#include "http/module.h"
#include "modules/limit_conn/held_connections.h"

namespace ringx::http {
namespace {

constexpr std::string_view what_for = "limit_conn_zone";
constexpr size_t key_bytes_max = 255;  // nginx's

struct ConnectionKey {
    Template key;
    mutable LimitCount requests = {};  // of the worker that has this configuration
};

struct Limit {
    NamedZone* zone = nullptr;
    uint32_t max = 0;
};

struct Settings {
    Setting<std::vector<Limit>> limits;
    Setting<uint32_t> status{503};
    Setting<LimitLevel> level{LimitLevel::error};
    Setting<bool> dry_run{false};
};

constinit conf::Slot<Settings> settings;

void add_zone(Settings&, conf::Binding& binding) {
    auto words = binding.words();
    auto key = Template::compile(binding, words[0]);
    const conf::Word& word = words[1];
    if (!word.text.starts_with("zone=")) {
        return binding.mistake(word, text::format("invalid parameter \"{}\"", word.text));
    }
    auto declared = read_zone_name(binding, word, word.text.substr(5));
    if (!declared) return;
    if (declared->name.empty()) {
        return binding.mistake(binding.name_word(), "\"limit_conn_zone\" must have \"zone\" parameter");
    }
    NamedZone* zone = key ? declare_limit_zone(binding, words[0], word, *declared, what_for) : nullptr;
    if (zone != nullptr) zone->data = binding.arena().make<ConnectionKey>(std::move(*key));
}

void add_limit(Settings& settings, conf::Binding& binding) {
    auto words = binding.words();
    NamedZone* zone = named_zones.in(binding.block()).use(binding, words[0], words[0].text, 0, what_for);
    if (zone == nullptr) return;
    if (std::ranges::find(settings.limits.value, zone, &Limit::zone) != settings.limits.value.end()) {
        return binding.duplicate();
    }
    auto number = conf::parse_unsigned(words[1].text, std::numeric_limits<uint32_t>::max());
    if (!number || *number == 0) {
        return binding.mistake(words[1], text::format("invalid number of connections \"{}\"", words[1].text));
    }
    if (*number > 65535) return binding.mistake(words[1], "connection limit must be less 65536");
    settings.limits.value.push_back({zone, static_cast<uint32_t>(*number)});
    settings.limits.given = true;
}

constexpr auto everywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::custom<&add_zone>("limit_conn_zone", conf::http, {2, 2}, "A zone that counts connections by a key.")
        .shown_as("key zone=name:size"),
    conf::custom<&add_limit, &Settings::limits>("limit_conn", everywhere, {2, 2},
                                                "Limit the requests under way at once with the same key.")
        .shown_as("zone number"),
    conf::value<&Settings::status>("limit_conn_status", everywhere, "The status of requests that are refused.")
        .between(400, 599),
    conf::value<&Settings::level>("limit_conn_log_level", everywhere, "The level refusals are logged with."),
    conf::value<&Settings::dry_run>("limit_conn_dry_run", everywhere, "Count and log, but refuse nothing."),
};

HeldConnections& held_connections(Request& request) {
    return request.worker->states.get<HeldConnections>(*request.worker->lives, request.worker->life);
}

void count(Request& request, const Limit& limit, LimitVerdict verdict) {
    static_cast<const ConnectionKey*>(limit.zone->data)->requests.count(request, *limit.zone, verdict);
}

Answer refuse(Request& request, const Settings& ours, const Limit& limit) {
    LimitVerdict verdict = *ours.dry_run ? LimitVerdict::rejected_dry_run : LimitVerdict::rejected;
    request.main_request().connection_verdict = verdict;
    count(request, limit, verdict);
    return *ours.dry_run ? Answer::pass() : Answer::of_status(static_cast<uint16_t>(*ours.status));
}

// Those of a request.
struct HeldByRequest {
    std::span<HeldConnection*> all;
};

// Those of one that has become a tunnel.
class HeldByTunnel final : public Outlasting {
 public:
    explicit HeldByTunnel(std::span<HeldConnection*> all) {
        for (HeldConnection* one : all) all_.push_back(std::make_unique<Kept>(*one));
    }

 private:
    struct Kept {
        explicit Kept(HeldConnection& from) : key(from.key()), held(from, key) {}
        std::string key;
        HeldConnection held;
    };
    std::vector<std::unique_ptr<Kept>> all_;
};

std::unique_ptr<Outlasting> hold_on(Request& request) {
    const HeldByRequest* held = request.states.find<HeldByRequest>();
    if (held == nullptr) return nullptr;
    return std::make_unique<HeldByTunnel>(held->all);
}

Answer limit(Request& request) {
    if (request.main_request().connection_verdict != LimitVerdict::none) return Answer::pass();
    const Settings& ours = settings.in(*request.block);
    HeldConnections& held = held_connections(request);
    auto taken_before = request.arena.make_array<HeldConnection*>(ours.limits->size());
    auto passed = request.arena.make_array<const Limit*>(ours.limits->size());
    size_t passed_count = 0;
    for (const Limit& limit : *ours.limits) {
        const auto& key = *static_cast<const ConnectionKey*>(limit.zone->data);
        auto value = limit_key(request, key.key, limit.zone->key, key_bytes_max);
        if (!value) continue;
        request.main_request().connection_verdict = LimitVerdict::passed;
        auto taken = held.take(request.arena, limit.zone->memory, *value, limit.max);
        if (taken.repaired) report_repair(request, *limit.zone);
        if (taken.outcome == HeldConnections::Outcome::limit_reached) {
            request.log().write(log_level(*ours.level), request.log_context(), "limiting connections{} by zone \"{}\"",
                                *ours.dry_run ? ", dry run," : "", limit.zone->name);
        }
        if (taken.outcome != HeldConnections::Outcome::held) {
            for (HeldConnection* before : taken_before.first(passed_count)) before->give_back();
            return refuse(request, ours, limit);
        }
        passed[passed_count] = &limit;
        taken_before[passed_count++] = taken.held;
        request.leaves_alone = true;
    }
    for (const Limit* limit : passed.first(passed_count)) count(request, *limit, LimitVerdict::passed);
    if (passed_count > 0) request.states.get<HeldByRequest>(request.arena).all = taken_before.first(passed_count);
    return Answer::pass();
}

constexpr Variable variables[] = {
    {"limit_conn_status",
     [](Request& r, const VariableUse&) { return verdict_text(r.main_request().connection_verdict); }},
};

constexpr Section section{"limit_conn_zones", "limit_conn_zone_", "zone"};

void tell(Report& report, Request& request) {
    constexpr LimitVerdict verdicts[] = {LimitVerdict::passed, LimitVerdict::rejected, LimitVerdict::rejected_dry_run};
    tell_limits(report, request, section, what_for, verdicts);
}

}  // namespace

extern constinit const Module limit_conn_module = {
    .name = "limit_conn",
    .directives = directives,
    .settings = &settings,
    .variables = variables,
    .applies = [](const conf::Block& block) { return !settings.in(block).limits->empty(); },
    .preaccess = limit,
    .outlast = hold_on,
    .tell = tell,
};

}  // namespace ringx::http

// modules/limit_req/module.cc - limits of the rate of requests: `limit_req_zone`, `limit_req`.
//
// All limits of a location are asked in order. The first one that a request would overrun refuses it, and then none has
// counted it; if there is none, all count it, and it waits as long as the strictest wants. A zone that is full forgets
// the key that was used longest ago, so its memory is bounded and a crowd of new keys is never refused for lack of it.
#include <algorithm>

#include "base/format.h"
#include "base/shared_table.h"
#include "http/delay.h"
#include "http/limit_metrics.h"
#include "http/limits.h"
#include "http/module.h"
#include "modules/limit_req/leaky_bucket.h"

namespace ringx::http {
namespace {

constexpr std::string_view what_for = "limit_req";

// What limit_req_zone says.
struct Rate {
    Template key;
    int64_t per_second = 0;  // in thousandths
    mutable LimitCount requests = {};  // of the worker that has this configuration
};

// What limit_req says.
struct Limit {
    NamedZone* zone = nullptr;
    int64_t burst = 0;  // both in thousandths
    int64_t undelayed = 0;

    const Rate& rate() const { return *static_cast<const Rate*>(zone->data); }
    void count(Request& request, LimitVerdict verdict) const { rate().requests.count(request, *zone, verdict); }
};

struct Settings {
    Setting<std::vector<Limit>> limits;
    Setting<uint32_t> status{503};
    Setting<LimitLevel> level{LimitLevel::error};
    Setting<bool> dry_run{false};
};

constinit conf::Slot<Settings> settings;

// rate=10r/s, rate=30r/m
std::optional<int64_t> read_rate(std::string_view text) {
    uint64_t scale = 1;
    if (text.ends_with("r/m")) scale = 60;
    if (text.ends_with("r/s") || text.ends_with("r/m")) text.remove_suffix(3);
    auto rate = conf::parse_unsigned(text, std::numeric_limits<uint32_t>::max());
    if (!rate || *rate == 0) return std::nullopt;
    return static_cast<int64_t>(*rate * 1000 / scale);
}

void add_zone(Settings&, conf::Binding& binding) {
    auto words = binding.words();
    auto key = Template::compile(binding, words[0]);
    int64_t rate = 1000;
    const conf::Word* zone_word = nullptr;
    ZoneName declared{};
    for (const conf::Word& word : words.subspan(1)) {
        if (word.text.starts_with("zone=")) {
            auto name = read_zone_name(binding, word, word.text.substr(5));
            if (!name) return;
            declared = *name;
            zone_word = &word;
        } else if (word.text.starts_with("rate=")) {
            auto given = read_rate(word.text.substr(5));
            if (!given) {
                return binding.mistake(word, text::format("invalid rate \"{}\"", word.text), "expected 10r/s or 30r/m");
            }
            rate = *given;
        } else {
            return binding.mistake(word, text::format("invalid parameter \"{}\"", word.text));
        }
    }
    if (declared.name.empty()) {
        return binding.mistake(binding.name_word(), "\"limit_req_zone\" must have \"zone\" parameter");
    }
    NamedZone* zone = key ? declare_limit_zone(binding, words[0], *zone_word, declared, what_for) : nullptr;
    if (zone != nullptr) zone->data = binding.arena().make<Rate>(std::move(*key), rate);
}

// A number of requests, in thousandths.
bool read_count(conf::Binding& binding, const conf::Word& word, std::string_view name, int64_t& out) {
    auto number = conf::parse_unsigned(word.text.substr(name.size() + 1), std::numeric_limits<uint32_t>::max());
    if (!number || *number == 0) {
        binding.mistake(word, text::format("invalid {} value \"{}\"", name, word.text), "expected a number above 0");
        return false;
    }
    out = static_cast<int64_t>(*number) * 1000;
    return true;
}

void add_limit(Settings& settings, conf::Binding& binding) {
    Limit limit;
    for (const conf::Word& word : binding.words()) {
        if (word.text.starts_with("zone=")) {
            limit.zone =
                named_zones.in(binding.block()).use(binding, word, word.text.substr(5), 0, what_for);
            if (limit.zone == nullptr) return;
        } else if (word.text.starts_with("burst=")) {
            if (!read_count(binding, word, "burst", limit.burst)) return;
        } else if (word.text.starts_with("delay=")) {
            if (!read_count(binding, word, "delay", limit.undelayed)) return;
        } else if (word.text == "nodelay") {
            limit.undelayed = never_delayed;
        } else {
            return binding.mistake(word, text::format("invalid parameter \"{}\"", word.text));
        }
    }
    if (limit.zone == nullptr || limit.zone->name.empty()) {
        return binding.mistake(binding.name_word(), "\"limit_req\" must have \"zone\" parameter");
    }
    if (std::ranges::find(settings.limits.value, limit.zone, &Limit::zone) != settings.limits.value.end()) {
        return binding.duplicate();
    }
    settings.limits.value.push_back(limit);
    settings.limits.given = true;
}

constexpr auto everywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::custom<&add_zone>("limit_req_zone", conf::http, {3, 3}, "A zone that counts requests by a key.")
        .shown_as("key zone=name:size rate=rate"),
    conf::custom<&add_limit, &Settings::limits>("limit_req", everywhere, {1, 3},
                                                "Limit the rate of requests with the same key.")
        .shown_as("zone=name [burst=number] [nodelay | delay=number]"),
    conf::value<&Settings::status>("limit_req_status", everywhere, "The status of requests that are refused.")
        .between(400, 599),
    conf::value<&Settings::level>("limit_req_log_level", everywhere,
                                  "The level refusals are logged with; delays are logged with the next."),
    conf::value<&Settings::dry_run>("limit_req_dry_run", everywhere, "Count and log, but refuse and delay nothing."),
};

enum class Verdict : uint8_t { passes, overruns, fails };

LeakyBucket* insert(SharedTable<LeakyBucket>& table, std::string_view key, uint64_t now_ms, int64_t rate) {
    // Two that would not be missed make room for this one and for the next.
    for (int i = 0; i < 2; ++i) {
        LeakyBucket* oldest = table.oldest();
        if (oldest == nullptr || !oldest->forgettable(now_ms, rate)) break;
        table.remove(*oldest);
    }
    for (;;) {
        LeakyBucket* bucket = table.insert(key);
        if (bucket != nullptr) return bucket;
        LeakyBucket* oldest = table.oldest();
        if (oldest == nullptr) return nullptr;
        table.remove(*oldest);
    }
}

// Asks one limit; `excess` becomes how far the request would be ahead. The last one counts it at once.
Verdict ask(Request& request, const Limit& limit, std::string_view key, bool is_last, int64_t& excess,
            bool& repaired) {
    uint64_t now_ms = request.worker->clock.now_ms();
    int64_t rate = limit.rate().per_second;
    SharedZone::Lock lock(*limit.zone->memory);
    repaired = lock.repaired();
    SharedTable<LeakyBucket> table(lock);
    LeakyBucket* bucket = table.find(key);
    if (bucket != nullptr) {
        excess = bucket->excess_with_one(now_ms, rate);
        if (excess > limit.burst) return Verdict::overruns;
        if (is_last) bucket->account(now_ms, excess);
        return Verdict::passes;
    }
    excess = 0;
    bucket = insert(table, key, now_ms, rate);
    if (bucket == nullptr) return Verdict::fails;
    *bucket = {.excess = is_last ? 0 : -1000, .last_ms = now_ms};
    return Verdict::passes;
}

// Counts a request that passed with a limit before the last.
int64_t account(Request& request, const Limit& limit, std::string_view key) {
    uint64_t now_ms = request.worker->clock.now_ms();
    SharedZone::Lock lock(*limit.zone->memory);
    SharedTable<LeakyBucket> table(lock);
    LeakyBucket* bucket = table.find(key);
    if (bucket == nullptr) return 0;  // another worker needed the room
    int64_t excess = bucket->excess_with_one(now_ms, limit.rate().per_second);
    bucket->account(now_ms, excess);
    return excess;
}

// What the limits think of a request together.
struct Opinion {
    Verdict verdict = Verdict::passes;
    bool counted = false;            // by any
    const Limit* limit = nullptr;    // the one that refuses or delays it, or the last that was asked
    int64_t excess = 0;
    uint64_t delay_ms = 0;
};

Opinion ask_all(Request& request, const std::vector<Limit>& limits) {
    Opinion opinion;
    auto keys = request.arena.make_array<std::string_view>(limits.size());
    for (size_t i = 0; i < limits.size(); ++i) {
        auto key = limit_key(request, limits[i].rate().key, limits[i].zone->key, SharedTableBase::key_bytes_max);
        if (!key) continue;
        keys[i] = *key;
        bool is_last = i + 1 == limits.size();
        opinion.counted = true;
        opinion.limit = &limits[i];
        bool repaired = false;
        opinion.verdict = ask(request, limits[i], *key, is_last, opinion.excess, repaired);
        if (repaired) report_repair(request, *limits[i].zone);
        if (opinion.verdict != Verdict::passes) return opinion;
        if (is_last) opinion.delay_ms = delay_ms(opinion.excess, limits[i].undelayed, limits[i].rate().per_second);
    }
    for (size_t i = limits.size(); i-- > 0;) {
        bool was_last = i + 1 == limits.size();
        if (keys[i].empty() || was_last) continue;
        int64_t excess = account(request, limits[i], keys[i]);
        uint64_t wait_ms = delay_ms(excess, limits[i].undelayed, limits[i].rate().per_second);
        if (wait_ms <= opinion.delay_ms) continue;
        opinion.delay_ms = wait_ms;
        opinion.excess = excess;
        opinion.limit = &limits[i];
    }
    // The one that has the last word is counted by that.
    for (size_t i = 0; i < limits.size(); ++i) {
        bool has_passed = !keys[i].empty() && &limits[i] != opinion.limit;
        if (has_passed) limits[i].count(request, LimitVerdict::passed);
    }
    return opinion;
}

Task<Answer> wait_for_turn(Request& request, uint64_t milliseconds) {
    bool passed = co_await delay(request, milliseconds);
    co_return passed ? Answer::pass() : Answer::of_status(client_left);
}

// nginx's sentences, commas included.
void log_limiting(Request& request, const Settings& ours, const Opinion& opinion) {
    bool delays = opinion.verdict == Verdict::passes;
    Level level = log_level(*ours.level);
    if (delays && *ours.level != LimitLevel::info) level = static_cast<Level>(static_cast<int>(level) + 1);
    request.log().write(level, request.log_context(), "{}{}, excess: {}.{:03}{} by zone \"{}\"",
                        delays ? "delaying request" : "limiting requests", *ours.dry_run ? ", dry run" : "",
                        opinion.excess / 1000, opinion.excess % 1000, delays ? "," : "", opinion.limit->zone->name);
}

LimitVerdict verdict_of(const Opinion& opinion, bool dry) {
    if (opinion.verdict != Verdict::passes) return dry ? LimitVerdict::rejected_dry_run : LimitVerdict::rejected;
    if (opinion.delay_ms == 0) return LimitVerdict::passed;
    return dry ? LimitVerdict::delayed_dry_run : LimitVerdict::delayed;
}

Answer limit(Request& request) {
    if (request.main_request().rate_verdict != LimitVerdict::none) return Answer::pass();
    const Settings& ours = settings.in(*request.block);
    Opinion opinion = ask_all(request, *ours.limits);
    if (!opinion.counted) return Answer::pass();
    LimitVerdict verdict = verdict_of(opinion, *ours.dry_run);
    request.main_request().rate_verdict = verdict;
    opinion.limit->count(request, verdict);
    bool is_worth_a_line = verdict != LimitVerdict::passed && opinion.verdict != Verdict::fails;
    if (is_worth_a_line) log_limiting(request, ours, opinion);
    if (verdict == LimitVerdict::rejected) return Answer::of_status(static_cast<uint16_t>(*ours.status));
    if (verdict == LimitVerdict::delayed) return Answer::later(wait_for_turn(request, opinion.delay_ms));
    return Answer::pass();
}

constexpr Variable variables[] = {
    {"limit_req_status", [](Request& r, const VariableUse&) { return verdict_text(r.main_request().rate_verdict); }},
};

constexpr Section section{"limit_req_zones", "limit_req_zone_", "zone"};

void tell(Report& report, Request& request) {
    constexpr LimitVerdict verdicts[] = {LimitVerdict::passed, LimitVerdict::delayed, LimitVerdict::rejected,
                                         LimitVerdict::delayed_dry_run, LimitVerdict::rejected_dry_run};
    tell_limits(report, request, section, what_for, verdicts);
}

}  // namespace

extern constinit const Module limit_req_module = {
    .name = "limit_req",
    .directives = directives,
    .settings = &settings,
    .variables = variables,
    .applies = [](const conf::Block& block) { return !settings.in(block).limits->empty(); },
    .preaccess = limit,
    .tell = tell,
};

}  // namespace ringx::http

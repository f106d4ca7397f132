#include "net/resolver.h"

#include <algorithm>

#include "base/check.h"
#include "base/format.h"
#include "net/resolver_question.h"

namespace ringx {
namespace {

constexpr size_t kept_max = 4096;
// Each takes a socket; more wait for their turn.
constexpr size_t running_max = 256;
// Addresses of one name, and hosts of one service, that are of use to anybody.
constexpr size_t targets_max = 64;
// How often the system's files are looked at, at most.
constexpr uint64_t system_ms = 1000;

// Where a question is counted.
size_t index_of(DnsType type) { return type == DnsType::a ? 0 : type == DnsType::aaaa ? 1 : 2; }

}  // namespace

std::string_view text_of(NameFault fault) {
    switch (fault) {
        case NameFault::format_error: return "1: Format error";
        case NameFault::server_failure: return "2: Server failure";
        case NameFault::not_found: return "3: Host not found";
        case NameFault::unimplemented: return "4: Unimplemented";
        case NameFault::refused: return "5: Operation refused";
        case NameFault::timed_out: return "110: Operation timed out";
        case NameFault::cancelled: return "125: Operation canceled";
    }
    return {};
}

Resolver::Resolver(Loop& loop, SystemFiles files, Metrics::Writer* metrics)
    : loop_(loop), files_(std::move(files)), metrics_(metrics) {
    if (metrics_ != nullptr) all_metrics_ = &metrics_->own_of_process<ResolverMetrics>(ResolverMetrics::all);
}

Resolver::~Resolver() { CHECK(questions_.empty()); }

// Calls add(metrics) for all that the question counts in.
template <typename Add>
void Resolver::count(const ResolverRules& rules, Add add) const {
    if (metrics_ == nullptr) return;
    add(*all_metrics_);
    if (rules.status_zone.empty()) return;
    add(metrics_->own<ResolverMetrics>(ResolverMetrics::name(rules.status_zone)));
}

Resolver::Known Resolver::find_kept(const std::string& key) {
    auto found = kept_.find(key);
    if (found == kept_.end()) return nullptr;
    Kept& kept = *found->second;
    if (kept.outcome->until_ms <= loop_.clock().now_ms()) {
        kept_.erase(found);
        return nullptr;
    }
    kept.unlink();
    by_use_.push_back(kept);
    return kept.outcome;
}

void Resolver::keep(const std::string& key, const Known& outcome) {
    if (outcome->until_ms <= loop_.clock().now_ms()) return;
    if (kept_.size() >= kept_max) kept_.erase(std::string(by_use_.front().key));
    auto kept = std::make_unique<Kept>();
    kept->key = key;
    kept->outcome = outcome;
    by_use_.push_back(*kept);
    kept_[key] = std::move(kept);
}

// The question on its way that says this, or a new one.
Resolver::Question& Resolver::join(std::shared_ptr<const ResolverRules> rules, DnsType type, const std::string& name,
                                   const std::string& key) {
    auto known = questions_.find(key);
    if (known != questions_.end()) return *known->second;
    auto made = std::make_unique<Question>(*this, std::move(rules), type, name, key, turn_++);
    Question& question = *made;
    questions_[key] = std::move(made);
    if (running_ == running_max) {
        waiting_.push_back(question);
    } else {
        ++running_;
        loop_.defer(question);
    }
    return question;
}

// Whoever comes after the last has left it, and before it has ended, makes it begin again.
Conversation Resolver::work(Question& question) {
    Outcome outcome;
    outcome.records = std::unexpected(NameFault::cancelled);
    while (question.is_awaited()) {
        question.begin();
        outcome = co_await question.find();
        if (!question.is_given_up()) break;
    }
    if (waiting_.empty()) {
        --running_;
    } else {
        loop_.defer(waiting_.pop_front());
    }
    auto place = questions_.find(question.key());
    std::unique_ptr<Question> owned = std::move(place->second);
    questions_.erase(place);
    auto known = std::make_shared<const Outcome>(std::move(outcome));
    keep(owned->key(), known);
    owned->tell(known);
}

Task<std::shared_ptr<const SystemNames>> Resolver::system() {
    uint64_t now = loop_.clock().now_ms();
    bool is_fresh = system_ != nullptr && now < system_until_ms_;
    if (is_fresh) co_return system_;
    system_until_ms_ = now + system_ms;
    struct Reading {
        const SystemFiles& files;
        std::shared_ptr<const SystemNames> known;
    };
    Reading reading{files_, system_};
    auto read = [](void* context) {
        auto& reading = *static_cast<Reading*>(context);
        reading.known = read_system_names(reading.files, reading.known);
    };
    Blocking job(loop_, read, &reading);
    co_await job;
    system_ = reading.known;
    co_return system_;
}

uint64_t NameLookup::left_ms() const {
    uint64_t now = resolver_.loop().clock().now_ms();
    return now < until_ms_ ? until_ms_ - now : 1;
}

void NameLookup::cancel() {
    cancelled_ = true;
    for (Resolver::Waiter* waiter : waiting_) waiter->time.cancel();
}

Task<Resolver::Known> NameLookup::ask(Rules rules, DnsType type, std::string name) {
    std::string key = text::format("{} {} {}", static_cast<uint16_t>(type), name, rules->key());
    Resolver::Known known = resolver_.find_kept(key);
    bool is_cached = known != nullptr;
    resolver_.count(*rules, [&](ResolverMetrics& metrics) {
        metrics.requests[index_of(type)].add(1);
        if (is_cached) metrics.cached.add(1);
    });
    if (is_cached) co_return known;
    known = co_await wait_for(rules, type, std::move(name), std::move(key));
    size_t result = known->records ? 0 : static_cast<size_t>(known->records.error());
    resolver_.count(*rules, [&](ResolverMetrics& metrics) { metrics.responses[result].add(1); });
    co_return known;
}

Task<Resolver::Known> NameLookup::wait_for(Rules rules, DnsType type, std::string name, std::string key) {
    auto nothing = std::make_shared<Resolver::Outcome>();
    nothing->records = std::unexpected(NameFault::cancelled);
    if (cancelled_) co_return nothing;

    Resolver::Waiter waiter(resolver_.loop(), left_ms());
    resolver_.join(rules, type, name, key).enter(waiter, until_ms_);
    waiting_.push_back(&waiter);
    co_await waiter.time;
    std::erase(waiting_, &waiter);
    if (waiter.question != nullptr) waiter.question->leave(waiter);
    if (cancelled_) co_return nothing;
    if (waiter.outcome != nullptr) co_return waiter.outcome;
    nothing->records = std::unexpected(NameFault::timed_out);
    co_return nothing;
}

// A host has both kinds of addresses, or one of them: a fault counts when there is neither.
Task<NameLookup::Addresses> NameLookup::find_by(Rules rules, std::string name, uint16_t port) {
    Task<Resolver::Known> v4, v6;
    if (rules->ipv4) v4 = ask(rules, DnsType::a, name);
    if (rules->ipv6) v6 = ask(rules, DnsType::aaaa, name);
    FoundNames<Address> found{.all = {}, .until_ms = ~uint64_t{0}};
    NameFault fault = NameFault::not_found;
    auto add = [&](const Resolver::Outcome& outcome) {
        if (!outcome.records) {
            if (fault == NameFault::not_found) fault = outcome.records.error();
            return;
        }
        for (const DnsRecord& record : *outcome.records) {
            if (found.all.size() < targets_max) found.all.push_back(record.address.with_port(port));
        }
        found.until_ms = std::min(found.until_ms, outcome.until_ms);
    };
    if (v4) {
        Resolver::Known known = co_await v4;
        add(*known);
    }
    if (v6) {
        Resolver::Known known = co_await v6;
        add(*known);
    }
    if (cancelled_) co_return std::unexpected(NameFault::cancelled);
    if (found.all.empty()) co_return std::unexpected(fault);
    size_t first = resolver_.turn_++ % found.all.size();
    std::ranges::rotate(found.all, found.all.begin() + static_cast<std::ptrdiff_t>(first));
    co_return std::move(found);
}

Task<NameLookup::Addresses> NameLookup::find_as_system(std::string name, uint16_t port) {
    std::shared_ptr<const SystemNames> system = co_await resolver_.system();
    auto plain = dns_name(name);
    auto host = plain ? system->hosts.find(*plain) : system->hosts.end();
    if (host != system->hosts.end()) {
        FoundNames<Address> found{.all = {}, .until_ms = resolver_.loop().clock().now_ms() + system_ms};
        for (const Address& address : host->second) found.all.push_back(address.with_port(port));
        co_return std::move(found);
    }
    // There is none (RFC 6761 section 6.4).
    if (plain && plain->ends_with(".invalid")) co_return std::unexpected(NameFault::not_found);
    std::vector<std::string> candidates = system->candidates(name);
    for (const std::string& candidate : candidates) {
        Addresses found = co_await find_by(system->rules, candidate, port);
        bool is_told = found || found.error() != NameFault::not_found;
        if (is_told) co_return std::move(found);
    }
    co_return std::unexpected(NameFault::not_found);
}

Task<NameLookup::Addresses> NameLookup::find(std::string name, uint16_t port, uint64_t limit_ms) {
    if (rules_ != nullptr) limit_ms = std::min(limit_ms, rules_->timeout_ms);
    until_ms_ = resolver_.loop().clock().now_ms() + limit_ms;
    if (rules_ == nullptr) co_return co_await find_as_system(std::move(name), port);
    auto plain = dns_name(name);
    if (!plain) co_return std::unexpected(NameFault::not_found);
    co_return co_await find_by(rules_, std::move(*plain), port);
}

Task<NameLookup::Services> NameLookup::find_services(std::string name, uint64_t limit_ms) {
    if (rules_ != nullptr) limit_ms = std::min(limit_ms, rules_->timeout_ms);
    until_ms_ = resolver_.loop().clock().now_ms() + limit_ms;
    Rules rules = rules_;
    if (rules == nullptr) {
        std::shared_ptr<const SystemNames> system = co_await resolver_.system();
        rules = system->rules;
    }
    auto plain = dns_name(name);
    if (!plain) co_return std::unexpected(NameFault::not_found);
    Resolver::Known known = co_await ask(rules, DnsType::srv, *plain);
    if (!known->records) co_return std::unexpected(known->records.error());

    std::vector<const DnsRecord*> hosts;
    std::vector<Task<Addresses>> lookups;
    for (const DnsRecord& record : *known->records) {
        // The root: the service is decidedly not available (RFC 2782).
        if (record.target.empty() || hosts.size() == targets_max) continue;
        hosts.push_back(&record);
        lookups.push_back(find_by(rules, record.target, record.port));
    }
    FoundNames<ServicePeer> found{.all = {}, .until_ms = known->until_ms};
    NameFault fault = NameFault::not_found;
    for (size_t i = 0; i < hosts.size(); ++i) {
        Task<Addresses>& lookup = lookups[i];
        Addresses addresses = co_await lookup;
        if (!addresses) {
            fault = addresses.error();
            found.has_gaps = found.has_gaps || fault != NameFault::not_found;
            continue;
        }
        auto behind = std::ranges::upper_bound(found.all, hosts[i]->priority, {}, &ServicePeer::priority);
        auto at = behind - found.all.begin();
        for (const Address& address : addresses->all) {
            found.all.insert(found.all.begin() + at++, {address, hosts[i]->priority, hosts[i]->weight});
        }
        found.until_ms = std::min(found.until_ms, addresses->until_ms);
    }
    if (found.all.empty()) co_return std::unexpected(fault);
    co_return std::move(found);
}

}  // namespace ringx

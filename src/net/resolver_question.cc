#include "net/resolver_question.h"

#include <algorithm>

#include "base/check.h"

namespace ringx {
namespace {

constexpr uint8_t code_none = 0, code_no_such_name = 3;
// Nobody needs to know a name for longer than a day without asking again.
constexpr uint32_t ttl_max = 86'400;
// What is not there may be there soon.
constexpr uint32_t negative_ttl = 5, negative_ttl_max = 30;
// Servers that fail at once are not asked in a tight loop.
constexpr uint64_t round_ms_min = 500;
constexpr unsigned slower_rounds = 3;  // each takes twice as long as the one before

NameFault fault_of(uint8_t code) {
    bool is_known = code >= 1 && code <= 5;
    return is_known ? static_cast<NameFault>(code) : NameFault::server_failure;
}

}  // namespace

Resolver::Question::Question(Resolver& resolver, std::shared_ptr<const ResolverRules> rules, DnsType type,
                             std::string name, std::string key, size_t turn)
    : resolver_(resolver), loop_(resolver.loop_), rules_(std::move(rules)), type_(type), name_(std::move(name)),
      key_(std::move(key)), turn_(rules_->rotates ? turn : 0) {}

uint64_t Resolver::Question::left_ms() const {
    uint64_t now = loop_.clock().now_ms();
    return now < until_ms_ ? until_ms_ - now : 0;
}

void Resolver::Question::enter(Waiter& waiter, uint64_t until_ms) {
    waiter.question = this;
    waiters_.push_back(waiter);
    ++waiters_count_;
    until_ms_ = std::max(until_ms_, until_ms);
}

void Resolver::Question::leave(Waiter& waiter) {
    CHECK(waiter.question == this && waiters_count_ > 0);
    waiter.question = nullptr;
    waiter.unlink();
    if (--waiters_count_ > 0) return;
    given_up_ = true;
    if (exchange_) exchange_->cancel();
    if (pause_ != nullptr) pause_->cancel();
}

// Who is told goes on in a later turn.
void Resolver::Question::tell(const Known& outcome) {
    while (!waiters_.empty()) {
        Waiter& waiter = waiters_.pop_front();
        waiter.question = nullptr;
        waiter.outcome = outcome;
        waiter.time.cancel();
    }
    waiters_count_ = 0;
}

void Resolver::Question::begin() {
    given_up_ = false;
    exchange_.emplace(loop_);
}

// An answer that ends with an alias is asked about further.
Task<Resolver::Outcome> Resolver::Question::find() {
    std::string name = name_;
    uint32_t ttl = ttl_max;
    size_t aliases = 0;
    for (;;) {
        Answer answer = co_await ask_servers(name);
        if (!answer) co_return failed(answer.error());
        auto found = find_in(*answer, name, type_);
        if (!found) co_return failed(NameFault::server_failure);
        ttl = std::min(ttl, found->ttl);
        aliases += found->aliases;
        if (!found->records.empty()) co_return known(*found, ttl);
        bool is_absent = answer->code == code_no_such_name || found->aliases == 0 || answer->negative_ttl;
        if (is_absent) co_return absent(*answer);
        if (aliases > dns_aliases_max) co_return failed(NameFault::server_failure);
        name = found->name;
    }
}

Task<Resolver::Question::Answer> Resolver::Question::ask_servers(std::string name) {
    Answer answer = std::unexpected(NameFault::timed_out);
    for (unsigned round = 0; round < rules_->rounds_max && left_ms() > 0; ++round) {
        unsigned slower = std::min(round, slower_rounds);
        uint64_t began_ms = loop_.clock().now_ms();
        answer = co_await ask_each(name, rules_->first_try_ms << slower);
        bool is_last = round + 1 == rules_->rounds_max;
        bool is_told = answer || answer.error() != NameFault::timed_out;
        if (is_told || is_last) break;
        uint64_t round_ms = std::min(round_ms_min, rules_->first_try_ms) << slower;
        uint64_t next_ms = began_ms + round_ms, now = loop_.clock().now_ms();
        if (now >= next_ms) continue;
        Sleep pause(loop_, std::min(next_ms - now, left_ms()));
        pause_ = &pause;
        co_await pause;
        pause_ = nullptr;
        if (given_up_) break;
    }
    if (given_up_) co_return std::unexpected(NameFault::cancelled);
    co_return std::move(answer);
}

// One round. What a server says that has failed counts only when no other says more.
Task<Resolver::Question::Answer> Resolver::Question::ask_each(std::string name, uint64_t try_ms) {
    NameFault fault = NameFault::timed_out;
    size_t count = rules_->servers.size();
    for (size_t i = 0; i < count && left_ms() > 0; ++i) {
        uint64_t limit_ms = std::clamp<uint64_t>(left_ms() / (count - i), 1, try_ms);
        const Address& server = rules_->servers[(turn_ + i) % count];
        Result<DnsAnswer> answer = co_await exchange_->ask(server, type_, name, limit_ms);
        if (given_up_) co_return std::unexpected(NameFault::cancelled);
        if (!answer) continue;
        bool is_said = answer->code == code_none || answer->code == code_no_such_name;
        if (is_said) co_return std::move(*answer);
        fault = fault_of(answer->code);
    }
    co_return std::unexpected(fault);
}

Resolver::Outcome Resolver::Question::known(const DnsFinding& finding, uint32_t ttl) const {
    Outcome outcome;
    for (const DnsRecord* record : finding.records) outcome.records->push_back(*record);
    uint64_t seconds = rules_->valid_seconds.value_or(ttl);
    outcome.until_ms = loop_.clock().now_ms() + seconds * 1000;
    return outcome;
}

Resolver::Outcome Resolver::Question::absent(const DnsAnswer& answer) const {
    Outcome outcome = failed(NameFault::not_found);
    uint32_t seconds = std::min(answer.negative_ttl.value_or(negative_ttl), negative_ttl_max);
    outcome.until_ms = loop_.clock().now_ms() + uint64_t{seconds} * 1000;
    return outcome;
}

Resolver::Outcome Resolver::Question::failed(NameFault fault) const {
    Outcome outcome;
    outcome.records = std::unexpected(fault);
    return outcome;
}

}  // namespace ringx

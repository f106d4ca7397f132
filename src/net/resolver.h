// net/resolver.h - a worker's knowledge of names: it asks name servers and keeps what they say.
//
// What is asked belongs to all who wait for the same: one question, however many they are. It is asked for as long as
// somebody waits, with failover between the servers, and given up when the last has left. Answers are kept for as long
// as they say, those that there is nothing for a short time, failures not at all; of too many the one that was used
// least recently goes. Aliases are followed, a bounded number of them.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/list.h"
#include "base/metrics.h"
#include "event/task.h"
#include "event/wait.h"
#include "net/dns_exchange.h"
#include "net/resolver_metrics.h"
#include "net/resolver_rules.h"
#include "net/system_names.h"

namespace ringx {

// Why there is no answer; the first five are what servers say (RFC 1035 section 4.1.1).
enum class NameFault : uint8_t {
    format_error = 1,
    server_failure = 2,
    not_found = 3,
    unimplemented = 4,
    refused = 5,
    timed_out,
    cancelled,
};
// "3: Host not found", as lines of the log have it between parentheses.
std::string_view text_of(NameFault fault);

struct ServicePeer {
    Address address;
    uint16_t priority = 0, weight = 0;
};

template <typename T>
struct FoundNames {
    std::vector<T> all;
    uint64_t until_ms = 0;  // of the loop's clock: when it is to be asked for again
    bool has_gaps = false;  // of a service: the address of a host could not be found out
};

class Resolver {
 public:
    // What is asked is counted there; null: nowhere.
    explicit Resolver(Loop& loop, SystemFiles files = {}, Metrics::Writer* metrics = nullptr);
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    ~Resolver();

    Loop& loop() { return loop_; }
    // How many questions are under way; they end when nobody waits for them any more.
    size_t questions() const { return questions_.size(); }

 private:
    friend class NameLookup;
    class Question;
    struct Waiter;

    // What became of one question, for good or for a while.
    struct Outcome {
        std::expected<std::vector<DnsRecord>, NameFault> records;
        uint64_t until_ms = 0;
    };
    using Known = std::shared_ptr<const Outcome>;
    struct Kept : ListNode {
        std::string key;
        Known outcome;
    };

    Known find_kept(const std::string& key);
    void keep(const std::string& key, const Known& outcome);
    Question& join(std::shared_ptr<const ResolverRules> rules, DnsType type, const std::string& name,
                   const std::string& key);
    Conversation work(Question& question);
    Task<std::shared_ptr<const SystemNames>> system();
    template <typename Add>
    void count(const ResolverRules& rules, Add add) const;

    Loop& loop_;
    SystemFiles files_;
    Metrics::Writer* metrics_;
    ResolverMetrics* all_metrics_ = nullptr;
    std::shared_ptr<const SystemNames> system_;
    uint64_t system_until_ms_ = 0;
    std::unordered_map<std::string, std::unique_ptr<Question>> questions_;
    List<Deferred> waiting_;  // questions
    size_t running_ = 0;
    std::unordered_map<std::string, std::unique_ptr<Kept>> kept_;
    List<Kept> by_use_;     // least recently first
    size_t turn_ = 0;       // of the servers
};

// One name that somebody wants to know. It lives in the frame of who awaits it.
class NameLookup {
 public:
    // Null rules: as the system does it.
    NameLookup(Resolver& resolver, std::shared_ptr<const ResolverRules> rules)
        : resolver_(resolver), rules_(std::move(rules)) {}
    NameLookup(const NameLookup&) = delete;
    NameLookup& operator=(const NameLookup&) = delete;
    ~NameLookup() { CHECK(waiting_.empty()); }

    using Addresses = std::expected<FoundNames<Address>, NameFault>;
    using Services = std::expected<FoundNames<ServicePeer>, NameFault>;

    // The addresses of a host, with this port, beginning with another one each time.
    Task<Addresses> find(std::string name, uint16_t port, uint64_t limit_ms);
    // Those of a service, "_http._tcp.example.com", and their ports, by priority.
    Task<Services> find_services(std::string name, uint64_t limit_ms);

    // Ends it early.
    void cancel();

 private:
    using Rules = std::shared_ptr<const ResolverRules>;

    uint64_t left_ms() const;
    Task<Resolver::Known> ask(Rules rules, DnsType type, std::string name);
    Task<Resolver::Known> wait_for(Rules rules, DnsType type, std::string name, std::string key);
    Task<Addresses> find_as_system(std::string name, uint16_t port);
    Task<Addresses> find_by(Rules rules, std::string name, uint16_t port);

    Resolver& resolver_;
    Rules rules_;
    std::vector<Resolver::Waiter*> waiting_;
    uint64_t until_ms_ = 0;
    bool cancelled_ = false;
};

}  // namespace ringx

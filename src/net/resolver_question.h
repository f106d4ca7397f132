// net/resolver_question.h - one question of a resolver on its way, and those who wait for what comes of it.
//
// It is asked for as long as somebody waits: of all servers in turn, and in rounds that become slower. An answer counts
// when it says something about the name; a server that fails or refuses is one of several, until all of them do.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/list.h"
#include "net/resolver.h"

namespace ringx {

// Lives in the frame of who waits; he rests until he is told, or the time is over.
struct Resolver::Waiter : ListNode {
    Waiter(Loop& loop, uint64_t limit_ms) : time(loop, limit_ms) {}

    Sleep time;
    Question* question = nullptr;  // null: it has been told
    Known outcome;
};

// It begins at the end of the turn it was made in.
class Resolver::Question : public Deferred {
 public:
    Question(Resolver& resolver, std::shared_ptr<const ResolverRules> rules, DnsType type, std::string name,
             std::string key, size_t turn);

    const std::string& key() const { return key_; }
    bool is_awaited() const { return waiters_count_ > 0; }
    // The last waiter left while it was asked.
    bool is_given_up() const { return given_up_; }

    void enter(Waiter& waiter, uint64_t until_ms);
    void leave(Waiter& waiter);
    void tell(const Known& outcome);

    void begin();
    // REQUIRES: begin() was called.
    Task<Outcome> find();

 private:
    void run() override { resolver_.work(*this); }

    using Answer = std::expected<DnsAnswer, NameFault>;

    Task<Answer> ask_servers(std::string name);
    Task<Answer> ask_each(std::string name, uint64_t try_ms);
    Outcome known(const DnsFinding& finding, uint32_t ttl) const;
    Outcome absent(const DnsAnswer& answer) const;
    Outcome failed(NameFault fault) const;
    uint64_t left_ms() const;

    Resolver& resolver_;
    Loop& loop_;
    std::shared_ptr<const ResolverRules> rules_;
    DnsType type_;
    std::string name_;
    std::string key_;
    size_t turn_;
    List<Waiter> waiters_;
    size_t waiters_count_ = 0;
    uint64_t until_ms_ = 0;                // the last waiter's
    std::optional<DnsExchange> exchange_;  // with the server that is being asked
    Sleep* pause_ = nullptr;               // between rounds
    bool given_up_ = false;
};

}  // namespace ringx

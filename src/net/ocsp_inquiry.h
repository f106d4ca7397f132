// net/ocsp_inquiry.h - one question on its way to a responder, and the response on its way back.
//
// HTTP is OpenSSL's, between two pieces of memory; the loop carries the bytes to and from a socket. All of it is
// bounded in time and bytes. The addresses of a name are tried in turn. What fails is logged here, in nginx's words.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/list.h"
#include "base/log.h"
#include "event/task.h"
#include "event/wait.h"
#include "net/address.h"
#include "net/ocsp.h"
#include "net/resolver.h"

namespace ringx {

class OcspInquiry;

// Where inquiries of one kind are made, in a worker.
class OcspDesk {
 public:
    OcspDesk(Loop& loop, Resolver& resolver) : loop_(loop), resolver_(resolver) {}
    OcspDesk(const OcspDesk&) = delete;
    OcspDesk& operator=(const OcspDesk&) = delete;
    ~OcspDesk() { CHECK(inquiries_.empty()); }

    Loop& loop() { return loop_; }
    // How many are under way.
    size_t inquiries() const { return inquiries_count_; }
    // Ends all of them early.
    void cancel();

 private:
    friend class OcspInquiry;

    Loop& loop_;
    Resolver& resolver_;
    List<OcspInquiry> inquiries_;
    size_t inquiries_count_ = 0;
};

class OcspInquiry : public ListNode {
 public:
    // As nginx gives a responder.
    static constexpr uint64_t limit_ms_max = 60'000;

    // What lines about it say besides.
    struct Subject {
        std::function<const Log&()> log;  // the one that rules when a line is written
        LogContext context = {};          // of the connection, if there is one
        std::string certificate = {};     // its file
    };

    // `names` say whom to ask for the responder's name; null: as the system does it.
    // REQUIRES: question and responder outlive it.
    OcspInquiry(OcspDesk& desk, const OcspQuestion& question, const OcspResponder& responder,
                std::shared_ptr<const ResolverRules> names, Subject subject);
    ~OcspInquiry() { --desk_.inquiries_count_; }

    // The response, or nothing after saying why; or after cancel(). The name, and all addresses together, have
    // `limit_ms`.
    Task<std::optional<std::string>> ask(uint64_t limit_ms);

    // Ends it early.
    void cancel() {
        cancelled_ = true;
        lookup_.cancel();
        if (waiting_ != nullptr) waiting_->cancel();
    }
    bool cancelled() const { return cancelled_; }

    // A line about it.
    void report(Error error, std::string_view what) const;

 private:
    class Exchange;

    uint64_t left_ms() const;
    Task<std::vector<Address>> find_addresses();
    Task<std::optional<std::string>> ask_at(const Address& address);
    Task<bool> connect(int socket, const Address& address);
    Task<bool> send(int socket, Exchange& exchange);
    Task<bool> receive(int socket, Exchange& exchange);
    void fail_with(Error error, std::string_view what) const;

    OcspDesk& desk_;
    const OcspQuestion& question_;
    const OcspResponder& responder_;
    NameLookup lookup_;
    Subject subject_;
    uint64_t until_ms_ = 0;   // for the address being tried
    std::string peer_;        // the address
    Wait* waiting_ = nullptr;
    bool cancelled_ = false;
};

}  // namespace ringx

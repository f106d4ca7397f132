// net/ocsp_inquiry.h - one question on its way to a responder, and the response on its way back.
//
// HTTP is OpenSSL's, between two pieces of memory; the loop carries the bytes to and from a socket. All of it is
// bounded in time and bytes. A name is looked up once, on a thread that does nothing else, because that may take long
// when name servers are gone; its addresses are tried in turn. What fails is logged here, in nginx's words.
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

namespace ringx {

class OcspInquiry;

// Where inquiries of one kind are made, in a worker.
class OcspDesk {
 public:
    explicit OcspDesk(Loop& loop) : loop_(loop), names_(loop) { names_.set_threads_max(1); }
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
    BlockingPool names_;
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

    // REQUIRES: question and responder outlive it.
    OcspInquiry(OcspDesk& desk, const OcspQuestion& question, const OcspResponder& responder, Subject subject);
    ~OcspInquiry() { --desk_.inquiries_count_; }

    // The response, or nothing after saying why; or after cancel(). The name, and all addresses together, have
    // `limit_ms`.
    Task<std::optional<std::string>> ask(uint64_t limit_ms);

    // Ends it early.
    void cancel() {
        cancelled_ = true;
        if (waiting_ != nullptr) waiting_->cancel();
    }
    bool cancelled() const { return cancelled_; }

    // A line about it.
    void report(Error error, std::string_view what) const;

 private:
    class Exchange;
    class Lookup;

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
    Subject subject_;
    uint64_t until_ms_ = 0;   // for the address being tried
    std::string peer_;        // the address
    Wait* waiting_ = nullptr;
    bool cancelled_ = false;
};

}  // namespace ringx

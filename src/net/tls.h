// net/tls.h - one connection's TLS: bytes of the network in, bytes of the protocol above out, and the reverse.
//
// The Receiver of the connection reads through it. What is to be sent leaves through the socket at once as far as it
// takes it; the rest waits here, and push() goes on with it. Without a socket all of it waits: for tests.
// OpenSSL's buffers and this object's own are given back while a connection is idle.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "event/wait.h"
#include "net/ticket_keys.h"
#include "net/tls_context.h"

namespace ringx {

class Tls final : public ReceiveFilter {
 public:
    // The server's side of a connection; `socket` -1: none. The keys are used when the context has none of its own.
    Tls(std::shared_ptr<const TlsContext> context, const TicketKeys& ticket_keys, int socket,
        std::string_view server_name);
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;
    ~Tls() override;

    enum class Progress : uint8_t { done, hungry, failed };
    // Goes on with the handshake, as far as what was received allows. It may run on another thread, when nobody uses
    // this object meanwhile. After it failed there may be an alert to push(). It is done already when early data have
    // come (RFC 8446 section 2.3): reading them and what follows ends it.
    Progress shake_hands();
    // It is better done on another thread.
    bool is_slow() const { return is_slow_; }
    void set_slow() { is_slow_ = true; }
    // Nothing yet proves that what was received is not a copy of what somebody else has sent.
    bool is_early() const { return SSL_is_init_finished(ssl_.get()) == 0; }
    // Why it failed: " (SSL: …)". And whether the client, not we or the system, is at fault.
    const std::string& fault() const { return fault_; }

    // What was received; before the handshake is done by its caller, then by the Receiver.
    void push(Lease lease) override;
    State state() override;
    // Lets go of what was received, when all of it is used. From the loop's thread.
    void give_back();
    Result<Lease> take() override;

    // Encrypts as much as is worth sending together, and sends it as far as the socket takes it. Returns how much was
    // taken, which is all gone or waits here. `now_ms` is the loop's clock.
    size_t send(std::span<const iovec> parts, bool more_follows, uint64_t now_ms);
    // Sends what waits. False: some of it still does; error() tells when that will not change.
    bool push();
    bool has_unsent() const { return !unsent_.empty(); }
    int error() const { return error_; }
    std::string_view unsent() const { return unsent_; }
    // Where there is no socket, its user sends what waits.
    std::string take_unsent() { return std::exchange(unsent_, {}); }

    // The zone of sessions was found as a process had left it that died there, and is empty now.
    bool has_lost_sessions() const { return has_lost_sessions_; }
    void note_lost_sessions() { has_lost_sessions_ = true; }

    // Says that no more will be sent.
    void send_close_notify();

    SSL* ssl() const { return ssl_.get(); }
    static Tls& of(const SSL* ssl) { return *static_cast<Tls*>(SSL_get_app_data(ssl)); }
    // What the client asked for, in lower case; empty when it named nobody.
    std::string_view server_name() const { return server_name_; }
    const TlsContext& context() const { return *context_; }
    const TicketKeys& ticket_keys() const { return ticket_keys_; }

    // What responders have against the client's certificate; null: nothing.
    ClientFault client_fault() const { return client_fault_; }
    void set_client_fault(ClientFault fault) { client_fault_ = fault; }

 private:
    friend struct TlsBio;

    int read(char* to, size_t bytes);
    void write(std::string_view bytes);
    void read_plain();
    int read_some(char* to, size_t bytes);
    size_t record_bytes() const;

    std::shared_ptr<const TlsContext> context_;
    const TicketKeys& ticket_keys_;
    OwnedSsl ssl_;
    int socket_;
    int error_ = 0;            // of the last send that failed for good
    Lease received_;           // not yet decrypted, from read_ on
    size_t read_ = 0;
    Lease plain_;              // decrypted, not yet taken
    std::string unsent_;
    std::string server_name_;
    std::string fault_;
    ClientFault client_fault_ = nullptr;
    uint64_t streamed_ = 0;    // bytes sent without a pause
    uint64_t sent_at_ms_ = 0;
    State state_ = State::hungry;
    bool more_follows_ = false;
    bool reads_early_ = false; // early data may still come
    bool has_lost_sessions_ = false;
    bool is_slow_ = context_->is_slow();
    bool closed_ = false;      // the client said that no more will come
};

}  // namespace ringx

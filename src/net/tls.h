// net/tls.h - one connection's TLS: bytes of the network in, bytes of the protocol above out, and the reverse.
//
// OpenSSL shakes hands. After settle() its object, which is most of what a connection would keep, is gone: records are
// ours then (net/record_layer), or the kernel's for sending (net/kernel_tls). Only early data, padding and ciphers that
// are not of today (CBC, CCM) stay with OpenSSL.
// The Receiver of the connection reads through it. What is to be sent leaves through the socket at once as far as it
// takes it; the rest waits here, and push() goes on with it. What the handshake has to say always waits, so that it
// leaves together. Without a socket all of it waits: for tests.
// Buffers are given back while a connection is idle.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "event/wait.h"
#include "net/record_layer.h"
#include "net/ticket_keys.h"
#include "net/tls_context.h"
#include "net/tls_info.h"

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
    bool is_early() const { return is_early_; }
    // For those who want more of the handshake than goes on here: until settle().
    SSL* handshake() const { return ssl_.get(); }
    // The end of the handshake: records follow, and info() tells what was agreed on. The kernel shall seal what is
    // sent if it can. From the loop's thread; what the handshake had to say has been sent, or may_wait().
    void settle(bool in_kernel);
    // The last it had to say may go with the answer: a request seems to be here.
    bool may_wait() const { return read_ < received_.view().size() && !context_->wants_kernel(); }
    const TlsInfo& info() const { return info_; }
    // Its session will not be resumed, as far as it is kept here. After settle().
    void forget_session() const;
    // Why it failed: " (SSL: …)".
    const std::string& fault() const { return fault_; }

    // What was received; before the handshake is done by its caller, then by the Receiver.
    void push(Lease lease) override;
    State state() override;
    // Lets go of what was received, when all of it is used, and of the buffer when others need it. From the loop's
    // thread.
    void give_back();
    Result<Lease> take() override;

    // Encrypts as much as is worth sending together, and sends it as far as the socket takes it. Returns how much was
    // taken, which is all gone or waits here. `now_ms` is the loop's clock.
    size_t send(std::span<const iovec> parts, bool more_follows, uint64_t now_ms);
    // Sends what waits. False: some of it still does; error() tells when that will not change.
    bool push();
    bool has_unsent() const { return !unsent_.empty() || unsent_saying_; }
    int error() const { return error_; }
    std::string_view unsent() const { return unsent_; }
    // Where there is no socket, its user sends what waits.
    std::string take_unsent() { return std::exchange(unsent_, {}); }

    // The zone of sessions was found as a process had left it that died there, and is empty now.
    bool has_lost_sessions() const { return has_lost_sessions_; }
    void note_lost_sessions() { has_lost_sessions_ = true; }

    // Says that no more will be sent.
    void send_close_notify();

    // What is sent on the socket leaves as records, without send().
    bool kernel_seals() const { return kernel_seals_; }
    // Why it does not though it should: an errno; 0: it does, or should not.
    int kernel_error() const { return kernel_error_; }

    static Tls& of(const SSL* ssl) { return *static_cast<Tls*>(SSL_get_app_data(ssl)); }
    // A line about the secrets of a handshake, see SSL_CTX_set_keylog_callback(3).
    static void note_secret(const SSL* ssl, const char* line) { of(ssl).secrets_->note(line); }
    // What the client asked for, in lower case; empty when it named nobody.
    std::string_view server_name() const { return server_name_; }
    const TlsContext& context() const { return *context_; }
    const TicketKeys& ticket_keys() const { return ticket_keys_; }

    // What responders have against the client's certificate; null: nothing.
    void set_client_fault(ClientFault fault) { info_.client_fault = fault; }

 private:
    friend struct TlsBio;

    int read(char* to, size_t bytes);
    void write(std::string_view bytes);
    int read_some(char* to, size_t bytes);
    void read_with_openssl();
    void read_records();
    bool read_record(std::string_view rest);
    void use(RecordLayer::Meaning meaning, Lease whole);
    void end();
    void end_with(RecordLayer::Meaning fault);
    void say(const Saying& saying);
    size_t send_with_openssl(PartReader& parts, bool more_follows);
    size_t send_records(PartReader& parts, bool more_follows);
    size_t record_bytes() const;

    std::shared_ptr<const TlsContext> context_;
    const TicketKeys& ticket_keys_;
    OwnedSsl ssl_;                             // null: records_ are used
    std::unique_ptr<TrafficSecrets> secrets_;  // until settle()
    std::unique_ptr<RecordLayer> records_;
    int socket_;
    int error_ = 0;                         // of the last send that failed for good
    Lease received_;                        // not yet decrypted, from read_ on
    size_t read_ = 0;
    std::unique_ptr<std::string> partial_;  // a record of which not all has come
    Lease plain_;                           // decrypted, not yet taken
    std::string unsent_;
    std::optional<Saying> unsent_saying_;   // that the kernel shall seal
    std::string server_name_;
    std::string fault_;
    TlsInfo info_;
    uint64_t streamed_ = 0;                 // bytes sent without a pause
    uint64_t sent_at_ms_ = 0;
    RecordCounter written_;                 // in the last step of the handshake
    uint16_t record_bytes_max_ = record_plain_bytes_max;
    int kernel_error_ = 0;
    State state_ = State::hungry;
    bool more_follows_ = false;
    bool reads_early_ = false;              // early data may still come
    bool is_early_ = false;
    bool is_settled_ = false;
    bool kernel_seals_ = false;
    bool has_lost_sessions_ = false;
    bool is_slow_ = context_->is_slow();
    bool closed_ = false;                   // the client said that no more will come
    bool is_broken_ = false;                // it has broken the protocol
};

}  // namespace ringx

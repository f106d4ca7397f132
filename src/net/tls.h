// net/tls.h - a server's side of a TLS connection.
//
// OpenSSL shakes hands. After settle() its object, which is most of what a connection would keep, is gone: records are
// ours then (net/record_layer), or the kernel's for sending (net/kernel_tls). Only early data, padding and ciphers that
// are not of today (CBC, CCM) stay with OpenSSL.
// The Receiver of the connection reads through it. What is to be sent leaves through the socket at once as far as it
// takes it; the rest waits here, and push() goes on with it. What the handshake has to say always waits, so that it
// leaves together. Without a socket all of it waits: for tests.
// Buffers are given back while a connection is idle.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/record_layer.h"
#include "net/ticket_keys.h"
#include "net/tls_channel.h"
#include "net/tls_context.h"
#include "net/tls_info.h"

namespace ringx {

class Tls final : public TlsChannel {
 public:
    // The server's side of a connection; `socket` -1: none. The keys are used when the context has none of its own.
    Tls(std::shared_ptr<const TlsContext> context, const TicketKeys& ticket_keys, int socket,
        std::string_view server_name);
    ~Tls() override;

    // Goes on with the handshake, as far as what was received allows. It may run on another thread, when nobody uses
    // this object meanwhile. After it failed there may be an alert to push(). It is done already when early data have
    // come (RFC 8446 section 2.3): reading them and what follows ends it.
    Progress shake_hands();
    // It is better done on another thread.
    bool is_slow() const { return is_slow_; }
    void set_slow() { is_slow_ = true; }
    // Nothing yet proves that what was received is not a copy of what somebody else has sent.
    bool is_early() const { return is_early_; }
    // The end of the handshake: records follow, and info() tells what was agreed on. The kernel shall seal what is
    // sent if it can. From the loop's thread; what the handshake had to say has been sent, or may_wait().
    void settle(bool in_kernel);
    // The last it had to say may go with the answer: a request seems to be here.
    bool may_wait() const { return !rest().empty() && !context_->wants_kernel(); }
    const TlsInfo& info() const { return info_; }
    // Its session will not be resumed, as far as it is kept here. After settle().
    void forget_session() const;

    State state() override;
    using TlsChannel::push;
    bool push() override;
    bool has_unsent() const override { return !unsent_.empty() || unsent_saying_; }
    void send_close_notify() override;

    // The zone of sessions was found as a process had left it that died there, and is empty now.
    bool has_lost_sessions() const { return has_lost_sessions_; }
    void note_lost_sessions() { has_lost_sessions_ = true; }

    // Why the kernel does not seal though it should: an errno; 0: it does, or should not.
    int kernel_error() const { return kernel_error_; }

    static Tls& of(const SSL* ssl) { return static_cast<Tls&>(TlsChannel::of(ssl)); }
    // What the client asked for, in lower case; empty when it named nobody.
    std::string_view server_name() const { return server_name_; }
    const TlsContext& context() const { return *context_; }
    const TicketKeys& ticket_keys() const { return ticket_keys_; }

    // What responders have against the client's certificate; null: nothing.
    void set_client_fault(ClientFault fault) { info_.client_fault = fault; }

 private:
    int read_some(char* to, size_t bytes) override;
    bool write_some(std::string_view bytes) override;
    void write(std::string_view bytes) override;
    void read_records();
    bool read_record(std::string_view rest);
    void use(RecordLayer::Meaning meaning, Lease whole);
    void end();
    void end_with(RecordLayer::Meaning fault);
    void say(const Saying& saying);
    size_t send_parts(PartReader& parts) override;
    size_t send_records(PartReader& parts);
    size_t record_bytes() const override;

    std::shared_ptr<const TlsContext> context_;
    const TicketKeys& ticket_keys_;
    std::unique_ptr<TrafficSecrets> secrets_;  // until settle()
    std::unique_ptr<RecordLayer> records_;     // null: OpenSSL goes on
    std::unique_ptr<std::string> partial_;     // a record of which not all has come
    std::optional<Saying> unsent_saying_;      // that the kernel shall seal
    std::string server_name_;
    TlsInfo info_;
    RecordCounter written_;                    // in the last step of the handshake
    uint16_t record_bytes_max_ = record_plain_bytes_max;
    int kernel_error_ = 0;
    bool reads_early_ = false;                 // early data may still come
    bool is_early_ = false;
    bool has_lost_sessions_ = false;
    bool is_slow_ = context_->is_slow();
    bool is_broken_ = false;                   // the client has broken the protocol
};

}  // namespace ringx

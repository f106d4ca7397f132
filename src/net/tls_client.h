// net/tls_client.h - our side of a TLS connection to an upstream server.
//
// OpenSSL stays to the end: it understands what servers say after the handshake, above all the sessions they give for
// the next one, and connections to upstream servers are few. It does not renegotiate: a server that was judged stays
// who it is.
// Whoever wants to know whether a stream was cut off asks is_closed() at its end.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/tls_channel.h"
#include "net/tls_client_context.h"
#include "net/tls_client_sessions.h"

namespace ringx {

class TlsClient final : public TlsChannel {
 public:
    // `name` is whom we want to speak to: a host name or an address, which may be empty where nobody judges. `address`
    // is the peer's, as text: sessions are resumed with the same one. `socket` -1: none. The sessions outlive it.
    TlsClient(std::shared_ptr<const TlsClientContext> context, TlsClientSessions& sessions, int socket,
              std::string_view name, std::string_view address);
    ~TlsClient() override;

    // Goes on with the handshake, as far as what was received allows. It may run on another thread, when nobody uses
    // this object meanwhile. After it failed there may be an alert to push().
    Progress shake_hands();
    // It is better done on another thread.
    bool is_slow() const { return is_slow_; }
    void set_slow() { is_slow_ = true; }
    // The end of the handshake: whether this is the server we want. Otherwise why not, in nginx's words.
    std::expected<void, std::string> settle();
    bool is_resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

    State state() override;
    using TlsChannel::push;

    // For the context: see SSL_CTX_sess_set_new_cb(3) and SSL_CTX_set_keylog_callback(3).
    static int note_session(SSL* ssl, SSL_SESSION* session);
    static void note_secret(const SSL* ssl, const char* line);

 private:
    static TlsClient& of(const SSL* ssl) { return static_cast<TlsClient&>(TlsChannel::of(ssl)); }

    bool has_name() const;
    void write_key_log();

    std::shared_ptr<const TlsClientContext> context_;
    TlsClientSessions& sessions_;
    std::string name_;
    std::string session_key_;
    OwnedSession early_session_;  // given within the handshake: kept when the server was judged
    std::string secrets_;         // for the key log
    bool is_slow_;
};

// The name in "host", "host:port", "[address]" or "[address]:port".
std::string_view tls_name_of(std::string_view host);

}  // namespace ringx

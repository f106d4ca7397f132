// net/tls_client_context.h - how we speak TLS to upstream servers: whom we trust, what we show, which protocols.
//
// Made once from settings whose files have been read already, and then never changed. What is wrong with the settings
// comes back as a sentence in nginx's words, for the configuration.
// Two contexts of the same settings are the same to what outlives them: sessions and connections that wait for use are
// kept by identity(), so they go on across reloads, and never serve those who judge servers in another way.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "net/openssl.h"
#include "net/tls_context.h"

namespace ringx {

struct TlsClientSettings {
    std::optional<TlsCertificate> certificate;  // what servers are shown that ask for one
    std::vector<std::string_view> passwords;    // of the key, tried in order

    uint32_t protocols = 0;  // bits by TlsProtocol
    std::string_view ciphers = "DEFAULT";
    std::vector<std::pair<std::string_view, std::string_view>> commands;  // of proxy_ssl_conf_command
    std::vector<std::string_view> alpn;  // what is offered; empty: nothing

    bool verify = false;
    int verify_depth = 1;
    TlsFile trusted_certificates;
    TlsFile revoked;

    bool tells_name = false;      // servers are told whom we ask for (RFC 6066 section 3)
    bool reuses_sessions = true;
    std::shared_ptr<const LogFile> key_log;  // where the secrets of handshakes are written; null: nowhere
};

class TlsClientContext {
 public:
    static std::expected<std::shared_ptr<const TlsClientContext>, std::string> make(const TlsClientSettings& settings);

    SSL_CTX* ssl_ctx() const { return ctx_.get(); }
    bool verifies() const { return verifies_; }
    bool tells_name() const { return tells_name_; }
    bool reuses_sessions() const { return reuses_sessions_; }
    // Handshakes in which this key signs are better done on another thread.
    bool is_slow() const { return is_slow_; }
    const LogFile* key_log() const { return key_log_.get(); }
    // The same for all contexts of the same settings, whichever files they came from.
    const std::string& identity() const { return identity_; }

    // For make() alone.
    struct Key {
     private:
        Key() = default;
        friend class TlsClientContext;
    };
    explicit TlsClientContext(Key) {}

 private:
    using Done = std::expected<void, std::string>;

    Done build(const TlsClientSettings& settings);
    Done show(const TlsCertificate& certificate, const std::vector<std::string_view>& passwords);
    Done set_verification(const TlsClientSettings& settings);

    OwnedSslCtx ctx_;
    bool verifies_ = false;
    bool tells_name_ = false;
    bool reuses_sessions_ = false;
    bool is_slow_ = false;
    std::shared_ptr<const LogFile> key_log_;
    std::string identity_;
};

}  // namespace ringx

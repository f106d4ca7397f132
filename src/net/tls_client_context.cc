#include "net/tls_client_context.h"

#include <openssl/sha.h>

#include "base/check.h"
#include "base/format.h"
#include "net/tls_client.h"
#include "net/tls_setup.h"

namespace ringx {
namespace {

// All that servers are judged by, and what they are shown: a digest, because some of it is long.
std::string identity_of(const TlsClientSettings& settings) {
    std::string all;
    auto add = [&all](std::string_view part) { all += text::format("{}:{}", part.size(), part); };
    if (settings.certificate) add(settings.certificate->chain.bytes);
    add(text::format("{} {} {} {}", settings.protocols, settings.verify, settings.verify_depth, settings.tells_name));
    add(settings.ciphers);
    for (auto [name, value] : settings.commands) add(name), add(value);
    for (std::string_view protocol : settings.alpn) add(protocol);
    if (settings.verify) add(settings.trusted_certificates.bytes), add(settings.revoked.bytes);
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

}  // namespace

std::expected<std::shared_ptr<const TlsClientContext>, std::string> TlsClientContext::make(
    const TlsClientSettings& settings) {
    auto context = std::make_shared<TlsClientContext>(Key());
    auto built = context->build(settings);
    if (!built) return std::unexpected(std::move(built.error()));
    return context;
}

TlsClientContext::Done TlsClientContext::build(const TlsClientSettings& settings) {
    auto made = tls_setup::make_ssl_ctx(TLS_client_method());
    if (!made) return std::unexpected(std::move(made.error()));
    ctx_ = std::move(*made);
    SSL_CTX* ctx = ctx_.get();
    verifies_ = settings.verify;
    tells_name_ = settings.tells_name;
    reuses_sessions_ = settings.reuses_sessions;
    key_log_ = settings.key_log;
    identity_ = identity_of(settings);

    tls_setup::allow_protocols(ctx, settings.protocols);
    auto done = tls_setup::set_ciphers(ctx, settings.ciphers);
    if (done && settings.certificate) done = show(*settings.certificate, settings.passwords);
    if (done && settings.verify) done = set_verification(settings);
    if (!done) return done;
    std::string alpn = tls_setup::alpn_list(settings.alpn);
    CHECK(SSL_CTX_set_alpn_protos(ctx, reinterpret_cast<const unsigned char*>(alpn.data()),
                                  static_cast<unsigned int>(alpn.size())) == 0);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (reuses_sessions_) {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, TlsClient::note_session);
    }
    if (key_log_ != nullptr) SSL_CTX_set_keylog_callback(ctx, TlsClient::note_secret);
    return tls_setup::run_commands(ctx, settings.commands, SSL_CONF_FLAG_CLIENT);
}

TlsClientContext::Done TlsClientContext::show(const TlsCertificate& certificate,
                                              const std::vector<std::string_view>& passwords) {
    auto shown = tls_setup::show_certificate(ctx_.get(), certificate, passwords);
    if (!shown) return std::unexpected(std::move(shown.error()));
    is_slow_ = tls_setup::signs_slowly(shown->key.get());
    return {};
}

TlsClientContext::Done TlsClientContext::set_verification(const TlsClientSettings& settings) {
    SSL_CTX_set_verify_depth(ctx_.get(), settings.verify_depth);
    tls_setup::ask_for_certificate(ctx_.get());
    auto done = tls_setup::trust(ctx_.get(), settings.trusted_certificates);
    if (done) done = tls_setup::refuse_revoked(ctx_.get(), settings.revoked);
    return done;
}

}  // namespace ringx

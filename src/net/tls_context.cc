#include "net/tls_context.h"

#include <openssl/err.h>

#include "base/check.h"
#include "base/format.h"
#include "conf/value.h"
#include "net/tls.h"
#include "net/tls_files.h"
#include "net/tls_setup.h"

namespace ringx {

using tls_setup::refuse;

namespace {

// Of early data, as in nginx: what a client may send before the handshake ends.
constexpr uint32_t early_data_bytes_max = 16384;

int refuse_hello(SSL*, int* alert, void*) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_bytes, const unsigned char* in,
                    unsigned int in_bytes, void* context) {
    const auto& ours = *static_cast<const std::string*>(context);
    unsigned char* chosen = nullptr;
    int result = SSL_select_next_proto(&chosen, out_bytes, reinterpret_cast<const unsigned char*>(ours.data()),
                                       static_cast<unsigned int>(ours.size()), in, in_bytes);
    *out = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int acknowledge_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

// The client wants to know whether our certificate was revoked.
int staple(SSL* ssl, void* context) {
    const X509* shown = SSL_get_certificate(ssl);
    for (const Stapling& stapling : *static_cast<const std::vector<Stapling>*>(context)) {
        if (!stapling.is_for(shown)) continue;
        std::string response = stapling.response();
        if (response.empty()) break;
        void* bytes = OPENSSL_memdup(response.data(), response.size());  // OpenSSL frees it
        CHECK(bytes != nullptr);
        SSL_set_tlsext_status_ocsp_resp(ssl, bytes, static_cast<long>(response.size()));
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

// "Dec  1 12:00:00 2026 GMT"
std::string text_of(const ASN1_TIME* time) {
    OwnedBio bio(BIO_new(BIO_s_mem()));
    ASN1_TIME_print(bio.get(), time);
    char* bytes = nullptr;
    long size = BIO_get_mem_data(bio.get(), &bytes);
    return {bytes, static_cast<size_t>(size)};
}

// Seconds since 1970; 0 when it says nothing that makes sense.
int64_t end_of(const X509& certificate) {
    tm time{};
    return ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &time) == 1 ? timegm(&time) : 0;
}

std::string expiry_of(const X509& certificate, const TlsFile& file) {
    constexpr int64_t notice_seconds = 30 * 86400;
    const ASN1_TIME* end = X509_get0_notAfter(&certificate);
    int days = 0, seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, nullptr, end) == 0) return {};
    if (int64_t{days} * 86400 + seconds > notice_seconds) return {};
    bool is_over = days < 0 || seconds < 0;
    return text::format("certificate \"{}\" {} on {}", file.name, is_over ? "expired" : "expires", text_of(end));
}

}  // namespace

std::expected<std::shared_ptr<const TlsContext>, std::string> TlsContext::make(const TlsSettings& settings) {
    auto context = std::make_shared<TlsContext>(Key());
    auto built = context->build(settings);
    if (!built) return std::unexpected(std::move(built.error()));
    return context;
}

TlsContext::Done TlsContext::build(const TlsSettings& settings) {
    auto made = tls_setup::make_ssl_ctx(TLS_server_method());
    if (!made) return std::unexpected(std::move(made.error()));
    ctx_ = std::move(*made);
    SSL_CTX* ctx = ctx_.get();
    verify_ = settings.verify;
    client_ocsp_ = settings.client_ocsp;
    early_data_ = settings.early_data;
    record_bytes_max_ = settings.record_bytes_max;
    tells_offer_ = settings.tells_offer;
    is_slow_ = settings.elsewhere == TlsSettings::Elsewhere::always;
    slow_keys_matter_ = settings.elsewhere == TlsSettings::Elsewhere::when_slow;

    std::vector<NamedCertificate> certificates;
    for (const TlsCertificate& pair : settings.certificates) {
        auto shown = tls_setup::show_certificate(ctx, pair, settings.passwords);
        if (!shown) return std::unexpected(std::move(shown.error()));
        certificates_.push_back({pair.chain.name, end_of(*shown->certificate)});
        if (expiry_notice_.empty()) expiry_notice_ = expiry_of(*shown->certificate, pair.chain);
        is_slow_ = is_slow_with(shown->key.get());
        certificates.emplace_back(std::move(shown->certificate), pair.chain.name);
    }

    set_protocols(settings);
    auto done = set_ciphers(settings);
    if (done) done = set_verification(settings);
    if (done) done = set_stapling(settings, certificates);
    if (!done) return done;
    set_sessions(settings);
    set_alpn(settings);
    SSL_CTX_set_tlsext_servername_callback(ctx, acknowledge_name);
    if (settings.reject_handshake) SSL_CTX_set_client_hello_cb(ctx, refuse_hello, nullptr);
    done = run_commands(settings);
    // Whoever seals records later, it is not OpenSSL.
    wants_kernel_ = settings.in_kernel || (SSL_CTX_get_options(ctx) & SSL_OP_ENABLE_KTLS) != 0;
    SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_KTLS);
    return done;
}

bool TlsContext::is_slow_with(const EVP_PKEY* key) const {
    return is_slow_ || (slow_keys_matter_ && tls_setup::signs_slowly(key));
}

void TlsContext::set_protocols(const TlsSettings& settings) {
    SSL_CTX* ctx = ctx_.get();
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_SINGLE_DH_USE | SSL_OP_NO_ANTI_REPLAY);
    if (settings.prefer_server_ciphers) SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    tls_setup::allow_protocols(ctx, settings.protocols);
    if (settings.early_data) SSL_CTX_set_max_early_data(ctx, early_data_bytes_max);
}

TlsContext::Done TlsContext::set_ciphers(const TlsSettings& settings) {
    SSL_CTX* ctx = ctx_.get();
    auto done = tls_setup::set_ciphers(ctx, settings.ciphers);
    if (!done) return done;
    if (!settings.dhparam.name.empty()) {
        auto parameters = read_dh_parameters(settings.dhparam);
        if (!parameters) return std::unexpected(std::move(parameters.error()));
        if (SSL_CTX_set0_tmp_dh_pkey(ctx, parameters->get()) == 0) {
            return refuse(text::format("SSL_CTX_set0_tmp_dh_pkey(\"{}\")", settings.dhparam.name));
        }
        (void)parameters->release();
    }
    if (settings.curves == "auto") return {};
    if (SSL_CTX_set1_curves_list(ctx, std::string(settings.curves).c_str()) == 0) {
        return refuse(text::format("SSL_CTX_set1_curves_list(\"{}\")", settings.curves));
    }
    return {};
}

TlsContext::Done TlsContext::set_verification(const TlsSettings& settings) {
    SSL_CTX* ctx = ctx_.get();
    SSL_CTX_set_verify_depth(ctx, settings.verify_depth);
    if (settings.verify != VerifyClient::off) tls_setup::ask_for_certificate(ctx);
    auto done = tls_setup::trust(ctx, settings.client_certificates, true);
    if (done) done = tls_setup::trust(ctx, settings.trusted_certificates);
    if (done) done = tls_setup::refuse_revoked(ctx, settings.revoked);
    return done;
}

TlsContext::Done TlsContext::set_stapling(const TlsSettings& settings,
                                          const std::vector<NamedCertificate>& certificates) {
    if (!settings.stapling) return {};
    SSL_CTX* ctx = ctx_.get();
    StaplingRules rules = settings.stapling_rules;
    std::string trusted = text::format("{}{}", settings.client_certificates.bytes, settings.trusted_certificates.bytes);
    rules.trusted = trusted;
    for (const auto& [certificate, name] : certificates) {
        if (SSL_CTX_select_current_cert(ctx, certificate.get()) != 1) continue;  // another one took its place
        bool has_file = !settings.stapling_file.name.empty();
        STACK_OF(X509)* chain = nullptr;
        SSL_CTX_get0_chain_certs(ctx, &chain);
        auto made = has_file ? Stapling::of_file(*certificate, settings.stapling_file)
                             : Stapling::of_responder(*certificate, name, chain, *SSL_CTX_get_cert_store(ctx), rules);
        if (!made && has_file) return std::unexpected(std::move(made.error()));
        if (made) staplings_.push_back(std::move(*made));
        else warnings_.push_back(std::move(made.error()));
    }
    SSL_CTX_set_tlsext_status_cb(ctx, staple);
    SSL_CTX_set_tlsext_status_arg(ctx, &staplings_);
    return {};
}

void TlsContext::set_alpn(const TlsSettings& settings) {
    alpn_ = tls_setup::alpn_list(settings.alpn);
    if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(ctx_.get(), select_protocol, &alpn_);
}

TlsContext::Done TlsContext::run_commands(const TlsSettings& settings) {
    for (auto [name, value] : settings.commands) {
        pads_records_ = pads_records_ || conf::same_keyword(name, "RecordPadding");
    }
    return tls_setup::run_commands(ctx_.get(), settings.commands, SSL_CONF_FLAG_SERVER);
}

}  // namespace ringx

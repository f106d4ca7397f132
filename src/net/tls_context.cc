#include "net/tls_context.h"

#include <openssl/err.h>

#include "base/check.h"
#include "base/format.h"
#include "conf/value.h"
#include "net/tls.h"
#include "net/tls_files.h"

namespace ringx {
namespace {

// Of early data, as in nginx: what a client may send before the handshake ends.
constexpr uint32_t early_data_bytes_max = 16384;

// Room for the keys of some thousand certificates, in blocks of at least so many bytes. What is not used costs nothing.
constexpr size_t secure_bytes = size_t{16} << 20;
constexpr size_t secure_bytes_min = 32;

// Signing with a longer RSA key takes milliseconds.
constexpr int fast_rsa_bits = 2048;

std::unexpected<std::string> refuse(std::string_view call) {
    std::string errors = take_openssl_errors();
    return std::unexpected(text::format("{} failed{}", call, errors));
}

bool signs_slowly(const EVP_PKEY* key) {
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) > fast_rsa_bits;
}

// Certificates of clients are judged when requests are, so that what is wrong with them gets an answer.
int let_pass(int, X509_STORE_CTX*) { return 1; }

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
    // OpenSSL keeps private keys there: it is locked in memory and left out of core dumps.
    static const int secure_memory = CRYPTO_secure_malloc_init(secure_bytes, secure_bytes_min);
    if (secure_memory == 0) return refuse("CRYPTO_secure_malloc_init()");
    ERR_clear_error();
    auto context = std::make_shared<TlsContext>(Key());
    auto built = context->build(settings);
    if (!built) return std::unexpected(std::move(built.error()));
    return context;
}

TlsContext::Done TlsContext::build(const TlsSettings& settings) {
    ctx_.reset(SSL_CTX_new(TLS_server_method()));
    if (ctx_ == nullptr) return refuse("SSL_CTX_new()");
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
        auto chain = read_certificate_chain(pair.chain);
        if (!chain) return std::unexpected(std::move(chain.error()));
        if (SSL_CTX_use_certificate(ctx, chain->certificate.get()) == 0) {
            return refuse(text::format("SSL_CTX_use_certificate(\"{}\")", pair.chain.name));
        }
        if (expiry_notice_.empty()) expiry_notice_ = expiry_of(*chain->certificate, pair.chain);
        if (SSL_CTX_set0_chain(ctx, chain->rest.get()) == 0) {
            return refuse(text::format("SSL_CTX_set0_chain(\"{}\")", pair.chain.name));
        }
        (void)chain->rest.release();
        auto key = read_private_key(pair.key, settings.passwords);
        if (!key) return std::unexpected(std::move(key.error()));
        is_slow_ = is_slow_with(key->get());
        if (SSL_CTX_use_PrivateKey(ctx, key->get()) == 0) {
            return refuse(text::format("SSL_CTX_use_PrivateKey(\"{}\")", pair.key.name));
        }
        certificates.emplace_back(std::move(chain->certificate), pair.chain.name);
    }

    auto done = set_protocols(settings);
    if (done) done = set_ciphers(settings);
    if (done) done = set_verification(settings);
    if (done) done = set_stapling(settings, certificates);
    if (!done) return done;
    set_sessions(settings);
    set_alpn(settings);
    SSL_CTX_set_tlsext_servername_callback(ctx, acknowledge_name);
    if (settings.reject_handshake) SSL_CTX_set_client_hello_cb(ctx, refuse_hello, nullptr);
    SSL_CTX_set_keylog_callback(ctx, Tls::note_secret);
    done = run_commands(settings);
    // Whoever seals records later, it is not OpenSSL.
    wants_kernel_ = settings.in_kernel || (SSL_CTX_get_options(ctx) & SSL_OP_ENABLE_KTLS) != 0;
    SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_KTLS);
    return done;
}

bool TlsContext::is_slow_with(const EVP_PKEY* key) const {
    return is_slow_ || (slow_keys_matter_ && signs_slowly(key));
}

TlsContext::Done TlsContext::set_protocols(const TlsSettings& settings) {
    SSL_CTX* ctx = ctx_.get();
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                 SSL_OP_SINGLE_DH_USE | SSL_OP_NO_ANTI_REPLAY);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    if (settings.prefer_server_ciphers) SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    // What the system's policy allows is not more than what was asked for.
    SSL_CTX_set_min_proto_version(ctx, 0);
    SSL_CTX_set_max_proto_version(ctx, 0);
    struct Version {
        TlsProtocol protocol;
        uint64_t without;
    };
    constexpr Version versions[] = {{TlsProtocol::sslv3, SSL_OP_NO_SSLv3},
                                    {TlsProtocol::tlsv1, SSL_OP_NO_TLSv1},
                                    {TlsProtocol::tlsv1_1, SSL_OP_NO_TLSv1_1},
                                    {TlsProtocol::tlsv1_2, SSL_OP_NO_TLSv1_2},
                                    {TlsProtocol::tlsv1_3, SSL_OP_NO_TLSv1_3}};
    for (auto [protocol, without] : versions) {
        bool wanted = (settings.protocols >> static_cast<unsigned>(protocol) & 1) != 0;
        if (!wanted) SSL_CTX_set_options(ctx, without);
    }
    if (settings.early_data) SSL_CTX_set_max_early_data(ctx, early_data_bytes_max);
    return {};
}

TlsContext::Done TlsContext::set_ciphers(const TlsSettings& settings) {
    SSL_CTX* ctx = ctx_.get();
    if (SSL_CTX_set_cipher_list(ctx, std::string(settings.ciphers).c_str()) == 0) {
        return refuse(text::format("SSL_CTX_set_cipher_list(\"{}\")", settings.ciphers));
    }
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
    X509_STORE* store = SSL_CTX_get_cert_store(ctx);
    SSL_CTX_set_verify_depth(ctx, settings.verify_depth);
    if (settings.verify != VerifyClient::off) SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, let_pass);

    for (const TlsFile* file : {&settings.client_certificates, &settings.trusted_certificates}) {
        if (file->name.empty()) continue;
        auto certificates = read_certificates(*file);
        if (!certificates) return std::unexpected(std::move(certificates.error()));
        for (const OwnedX509& certificate : *certificates) {
            if (X509_STORE_add_cert(store, certificate.get()) == 0) return refuse("X509_STORE_add_cert()");
            if (file == &settings.trusted_certificates) continue;
            if (SSL_CTX_add_client_CA(ctx, certificate.get()) == 0) return refuse("SSL_CTX_add_client_CA()");
        }
    }
    if (settings.revoked.name.empty()) return {};
    auto lists = read_crls(settings.revoked);
    if (!lists) return std::unexpected(std::move(lists.error()));
    for (const OwnedCrl& list : *lists) {
        if (X509_STORE_add_crl(store, list.get()) == 0) return refuse("X509_STORE_add_crl()");
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return {};
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
    for (std::string_view protocol : settings.alpn) {
        alpn_ += static_cast<char>(protocol.size());
        alpn_ += protocol;
    }
    if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(ctx_.get(), select_protocol, &alpn_);
}

TlsContext::Done TlsContext::run_commands(const TlsSettings& settings) {
    if (settings.commands.empty()) return {};
    std::unique_ptr<SSL_CONF_CTX, FreedBy<SSL_CONF_CTX_free>> commands(SSL_CONF_CTX_new());
    CHECK(commands != nullptr);
    SSL_CONF_CTX_set_flags(commands.get(), SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_SERVER | SSL_CONF_FLAG_CERTIFICATE |
                                               SSL_CONF_FLAG_SHOW_ERRORS);
    SSL_CONF_CTX_set_ssl_ctx(commands.get(), ctx_.get());
    for (auto [name, value] : settings.commands) {
        if (SSL_CONF_cmd(commands.get(), std::string(name).c_str(), std::string(value).c_str()) <= 0) {
            return refuse(text::format("SSL_CONF_cmd(\"{}\", \"{}\")", name, value));
        }
        pads_records_ = pads_records_ || conf::same_keyword(name, "RecordPadding");
    }
    if (SSL_CONF_CTX_finish(commands.get()) != 1) return refuse("SSL_CONF_finish()");
    return {};
}

}  // namespace ringx

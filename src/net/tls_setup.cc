#include "net/tls_setup.h"

#include <openssl/err.h>

#include "base/check.h"
#include "base/format.h"
#include "net/key_schedule.h"
#include "net/tls_files.h"

namespace ringx::tls_setup {
namespace {

// Room for the keys of some thousand certificates, in blocks of at least so many bytes. What is not used costs nothing.
constexpr size_t secure_bytes = size_t{16} << 20;
constexpr size_t secure_bytes_min = 32;

// Signing with a longer RSA key takes milliseconds.
constexpr int fast_rsa_bits = 2048;

int let_pass(int, X509_STORE_CTX*) { return 1; }

}  // namespace

std::unexpected<std::string> refuse(std::string_view call) {
    std::string errors = take_openssl_errors();
    return std::unexpected(text::format("{} failed{}", call, errors));
}

std::expected<OwnedSslCtx, std::string> make_ssl_ctx(const SSL_METHOD* method) {
    // OpenSSL keeps private keys there: it is locked in memory and left out of core dumps.
    static const int secure_memory = CRYPTO_secure_malloc_init(secure_bytes, secure_bytes_min);
    if (secure_memory == 0) return refuse("CRYPTO_secure_malloc_init()");
    ERR_clear_error();
    OwnedSslCtx ctx(SSL_CTX_new_ex(nullptr, key_schedule_property(), method));
    if (ctx == nullptr) return refuse("SSL_CTX_new_ex()");
    SSL_CTX_set_options(ctx.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    return ctx;
}

void allow_protocols(SSL_CTX* ctx, uint32_t protocols) {
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
        bool wanted = (protocols >> static_cast<unsigned>(protocol) & 1) != 0;
        if (!wanted) SSL_CTX_set_options(ctx, without);
    }
}

Done set_ciphers(SSL_CTX* ctx, std::string_view ciphers) {
    if (SSL_CTX_set_cipher_list(ctx, std::string(ciphers).c_str()) == 1) return {};
    return refuse(text::format("SSL_CTX_set_cipher_list(\"{}\")", ciphers));
}

std::expected<ShownCertificate, std::string> show_certificate(SSL_CTX* ctx, const TlsCertificate& pair,
                                                              std::span<const std::string_view> passwords) {
    auto chain = read_certificate_chain(pair.chain);
    if (!chain) return std::unexpected(std::move(chain.error()));
    if (SSL_CTX_use_certificate(ctx, chain->certificate.get()) == 0) {
        return refuse(text::format("SSL_CTX_use_certificate(\"{}\")", pair.chain.name));
    }
    if (SSL_CTX_set0_chain(ctx, chain->rest.get()) == 0) {
        return refuse(text::format("SSL_CTX_set0_chain(\"{}\")", pair.chain.name));
    }
    (void)chain->rest.release();
    auto key = read_private_key(pair.key, passwords);
    if (!key) return std::unexpected(std::move(key.error()));
    if (SSL_CTX_use_PrivateKey(ctx, key->get()) == 0) {
        return refuse(text::format("SSL_CTX_use_PrivateKey(\"{}\")", pair.key.name));
    }
    return ShownCertificate{std::move(chain->certificate), std::move(*key)};
}

bool signs_slowly(const EVP_PKEY* key) {
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) > fast_rsa_bits;
}

void ask_for_certificate(SSL_CTX* ctx) { SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, let_pass); }

Done trust(SSL_CTX* ctx, const TlsFile& file, bool are_told) {
    if (file.name.empty()) return {};
    auto certificates = read_certificates(file);
    if (!certificates) return std::unexpected(std::move(certificates.error()));
    X509_STORE* store = SSL_CTX_get_cert_store(ctx);
    for (const OwnedX509& certificate : *certificates) {
        if (X509_STORE_add_cert(store, certificate.get()) == 0) return refuse("X509_STORE_add_cert()");
        if (are_told && SSL_CTX_add_client_CA(ctx, certificate.get()) == 0) return refuse("SSL_CTX_add_client_CA()");
    }
    return {};
}

Done refuse_revoked(SSL_CTX* ctx, const TlsFile& file) {
    if (file.name.empty()) return {};
    auto lists = read_crls(file);
    if (!lists) return std::unexpected(std::move(lists.error()));
    X509_STORE* store = SSL_CTX_get_cert_store(ctx);
    for (const OwnedCrl& list : *lists) {
        if (X509_STORE_add_crl(store, list.get()) == 0) return refuse("X509_STORE_add_crl()");
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return {};
}

Done run_commands(SSL_CTX* ctx, std::span<const Command> commands, unsigned int side) {
    if (commands.empty()) return {};
    std::unique_ptr<SSL_CONF_CTX, FreedBy<SSL_CONF_CTX_free>> run(SSL_CONF_CTX_new());
    CHECK(run != nullptr);
    SSL_CONF_CTX_set_flags(run.get(),
                           SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_CERTIFICATE | SSL_CONF_FLAG_SHOW_ERRORS | side);
    SSL_CONF_CTX_set_ssl_ctx(run.get(), ctx);
    for (auto [name, value] : commands) {
        if (SSL_CONF_cmd(run.get(), std::string(name).c_str(), std::string(value).c_str()) <= 0) {
            return refuse(text::format("SSL_CONF_cmd(\"{}\", \"{}\")", name, value));
        }
    }
    if (SSL_CONF_CTX_finish(run.get()) != 1) return refuse("SSL_CONF_finish()");
    return {};
}

std::string alpn_list(std::span<const std::string_view> protocols) {
    std::string list;
    for (std::string_view protocol : protocols) {
        list += static_cast<char>(protocol.size());
        list += protocol;
    }
    return list;
}

}  // namespace ringx::tls_setup

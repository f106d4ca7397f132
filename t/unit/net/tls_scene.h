// net/tls_scene.h - a server's context and clients in memory, for what is tried with TLS without sockets.
//
// The certificate is made at the start of the program. Bytes go from one side to the other only when the test says so.
#pragma once

#include <openssl/pem.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "net/tls.h"

namespace ringx::tls_test {

inline std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<size_t>(size)};
}

// A self-signed certificate and its key, as PEM.
struct Identity {
    std::string certificate;
    std::string key;

    Identity() {
        OwnedKey pair(EVP_EC_gen("P-256"));
        OwnedX509 x509(X509_new());
        CHECK(pair != nullptr && x509 != nullptr);
        ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(x509.get()), -3600);
        X509_gmtime_adj(X509_getm_notAfter(x509.get()), 365L * 86400);
        X509_set_pubkey(x509.get(), pair.get());
        CHECK(X509_sign(x509.get(), pair.get(), EVP_sha256()) > 0);
        OwnedBio chain(BIO_new(BIO_s_mem())), secret(BIO_new(BIO_s_mem()));
        PEM_write_bio_X509(chain.get(), x509.get());
        PEM_write_bio_PrivateKey(secret.get(), pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
        certificate = text_of(chain.get());
        key = text_of(secret.get());
    }
};

// One for all tests of a program.
inline const Identity& identity() {
    static const Identity one;
    return one;
}

inline const TicketKeys& ticket_keys() {
    static TicketKeys keys;
    keys.rotate(TicketKeys::Moment(), std::chrono::minutes(5));
    return keys;
}

// What a server needs that says nothing else.
inline TlsSettings settings_of(const Identity& identity) {
    TlsSettings settings;
    settings.certificates = {{{"own.crt", identity.certificate}, {"own.key", identity.key}}};
    settings.protocols = 1u << static_cast<unsigned>(TlsProtocol::tlsv1_2) |
                         1u << static_cast<unsigned>(TlsProtocol::tlsv1_3);
    settings.ciphers = "ECDHE+AESGCM";
    settings.curves = "auto";
    return settings;
}

// OpenSSL's side of a connection in memory.
class OpensslSide {
 public:
    SSL* ssl() { return ssl_.get(); }
    bool shake_hands() { return SSL_do_handshake(ssl_.get()) == 1; }
    void receive(std::string_view bytes) { BIO_write(incoming_, bytes.data(), static_cast<int>(bytes.size())); }
    // What it has to say since the last time.
    std::string sent() {
        std::string bytes = text_of(outgoing_);
        BIO_reset(outgoing_);
        return bytes;
    }
    void write(std::string_view text) { SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())); }
    // All that can be read now.
    std::string read() {
        std::string text;
        char buffer[4096];
        for (int got = 1; got > 0;) {
            got = SSL_read(ssl_.get(), buffer, sizeof buffer);
            if (got > 0) text.append(buffer, static_cast<size_t>(got));
        }
        return text;
    }

 protected:
    explicit OpensslSide(SSL_CTX* ctx)
        : ssl_(SSL_new(ctx)), incoming_(BIO_new(BIO_s_mem())), outgoing_(BIO_new(BIO_s_mem())) {
        CHECK(ssl_ != nullptr);
        SSL_set_bio(ssl_.get(), incoming_, outgoing_);
    }

 private:
    OwnedSsl ssl_;
    BIO* incoming_;  // its ssl's
    BIO* outgoing_;
};

// A client that judges nobody.
class Client : public OpensslSide {
 public:
    explicit Client(int version = TLS1_3_VERSION) : OpensslSide(context_for(version).get()) {
        SSL_set_connect_state(ssl());
    }

 private:
    static OwnedSslCtx context_for(int version) {
        OwnedSslCtx ctx(SSL_CTX_new(TLS_client_method()));
        CHECK(ctx != nullptr);
        SSL_CTX_set_min_proto_version(ctx.get(), version);
        SSL_CTX_set_max_proto_version(ctx.get(), version);
        return ctx;
    }
};

inline Lease lease_of(std::string_view bytes) { return Lease(std::make_unique<std::string>(bytes)); }

}  // namespace ringx::tls_test

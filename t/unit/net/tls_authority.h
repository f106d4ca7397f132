// net/tls_authority.h - certificates of all kinds, a server in memory that shows them, and settings of who judges it.
//
// Bytes go from one side to the other only when the test says so.
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "net/tls_client.h"
#include "t/unit/net/tls_scene.h"

namespace ringx::tls_test {

struct Issue {
    std::string name = "server";
    std::string alt_names = "DNS:a.test";  // as in openssl.cnf; empty: none
    int64_t from_seconds = -3600;          // from now
    int64_t until_seconds = 86400;
    bool is_authority = false;
};

template <auto write, typename T>
std::string pem_of(T* object) {
    OwnedBio bio(BIO_new(BIO_s_mem()));
    CHECK(write(bio.get(), object) == 1);
    return text_of(bio.get());
}

// A certificate with its key, which may sign others.
class Holder {
 public:
    // Signed by `issuer`; null: by itself.
    explicit Holder(const Issue& issue, Holder* issuer = nullptr) : key_(EVP_EC_gen("P-256")), x509_(X509_new()) {
        static long serial = 1;
        Holder& signer = issuer != nullptr ? *issuer : *this;
        ASN1_INTEGER_set(X509_get_serialNumber(x509_.get()), ++serial);
        X509_set_version(x509_.get(), X509_VERSION_3);
        X509_gmtime_adj(X509_getm_notBefore(x509_.get()), issue.from_seconds);
        X509_gmtime_adj(X509_getm_notAfter(x509_.get()), issue.until_seconds);
        X509_set_pubkey(x509_.get(), key_.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x509_.get()), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>(issue.name.c_str()), -1, -1, 0);
        X509_set_issuer_name(x509_.get(), X509_get_subject_name(signer.x509_.get()));
        if (!issue.alt_names.empty()) extend(NID_subject_alt_name, issue.alt_names);
        if (issue.is_authority) extend(NID_basic_constraints, "critical,CA:TRUE");
        CHECK(X509_sign(x509_.get(), signer.key_.get(), EVP_sha256()) > 0);
    }

    X509* x509() const { return x509_.get(); }
    EVP_PKEY* key() const { return key_.get(); }
    std::string certificate() const { return pem_of<PEM_write_bio_X509>(x509_.get()); }
    std::string key_pem(const char* password = nullptr) const {
        OwnedBio bio(BIO_new(BIO_s_mem()));
        const EVP_CIPHER* cipher = password != nullptr ? EVP_aes_128_cbc() : nullptr;
        CHECK(PEM_write_bio_PrivateKey(bio.get(), key_.get(), cipher, nullptr, 0, nullptr,
                                       const_cast<char*>(password)) == 1);
        return text_of(bio.get());
    }
    // A list that says `revoked` is; null: nobody is.
    std::string crl(const Holder* revoked) const {
        OwnedCrl list(X509_CRL_new());
        X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
        X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(x509_.get()));
        std::unique_ptr<ASN1_TIME, FreedBy<ASN1_TIME_free>> from(X509_gmtime_adj(nullptr, -3600)),
            until(X509_gmtime_adj(nullptr, 86400));
        X509_CRL_set1_lastUpdate(list.get(), from.get());
        X509_CRL_set1_nextUpdate(list.get(), until.get());
        if (revoked != nullptr) {
            X509_REVOKED* entry = X509_REVOKED_new();
            X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->x509_.get()));
            X509_REVOKED_set_revocationDate(entry, from.get());
            CHECK(X509_CRL_add0_revoked(list.get(), entry) == 1);
        }
        CHECK(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0);
        return pem_of<PEM_write_bio_X509_CRL>(list.get());
    }

 private:
    void extend(int kind, const std::string& value) {
        std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>> extension(
            X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
        CHECK(extension != nullptr && X509_add_ext(x509_.get(), extension.get(), -1) == 1);
    }

    OwnedKey key_;
    OwnedX509 x509_;
};

// Whom the tests trust.
inline Holder& authority() {
    static Holder one({.name = "authority", .alt_names = "", .is_authority = true});
    return one;
}

// One that is as it should be, for a.test and 127.0.0.1.
inline Holder& good_server() {
    static Holder one({.alt_names = "DNS:a.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1"}, &authority());
    return one;
}

// What is common to the connections of one OpenSSL server.
inline OwnedSslCtx server_ctx(const Holder& holder, int version) {
    OwnedSslCtx ctx(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_min_proto_version(ctx.get(), version);
    SSL_CTX_set_max_proto_version(ctx.get(), version);
    CHECK(SSL_CTX_use_certificate(ctx.get(), holder.x509()) == 1);
    CHECK(SSL_CTX_use_PrivateKey(ctx.get(), holder.key()) == 1);
    SSL_CTX_set_session_id_context(ctx.get(), reinterpret_cast<const unsigned char*>("test"), 4);
    return ctx;
}

// A server in memory.
class Server : public OpensslSide {
 public:
    explicit Server(SSL_CTX* ctx) : OpensslSide(ctx) { SSL_set_accept_state(ssl()); }
    // However it ends, its session is good: otherwise OpenSSL's server would forget it.
    ~Server() { SSL_set_shutdown(ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }
};

inline constexpr uint32_t new_protocols = 1u << static_cast<unsigned>(TlsProtocol::tlsv1_2) |
                                          1u << static_cast<unsigned>(TlsProtocol::tlsv1_3);

// Of who trusts the authority and wants to know.
inline TlsClientSettings strict() {
    static const std::string trusted = authority().certificate();
    TlsClientSettings settings;
    settings.protocols = new_protocols;
    settings.verify = true;
    settings.trusted_certificates = {"ca.crt", trusted};
    settings.tells_name = true;
    return settings;
}

inline TlsClientSettings careless() {
    TlsClientSettings settings;
    settings.protocols = new_protocols;
    return settings;
}

}  // namespace ringx::tls_test

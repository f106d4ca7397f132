#include "modules/ssl/variables.h"

#include <openssl/pem.h>

#include <algorithm>

#include "base/format.h"
#include "http/escape.h"
#include "http/request.h"
#include "net/tls.h"

namespace ringx::http::ssl {
namespace {

using Value = VariableValue;

constexpr int64_t day_seconds = 86400;

// A variable of a TLS connection.
template <Value (*get)(Request&, SSL*)>
Value of_tls(Request& request, const VariableUse&) {
    if (request.peer->tls == nullptr) return std::nullopt;
    return get(request, request.peer->tls->ssl());
}

// A variable of the client's certificate.
template <Value (*get)(Request&, X509*)>
Value of_certificate(Request& request, SSL* ssl) {
    X509* certificate = SSL_get0_peer_certificate(ssl);
    return certificate == nullptr ? Value() : get(request, certificate);
}

Value text_value(Request& request, const char* text) {
    return text == nullptr ? Value() : Value(request.arena.copy(text));
}

template <typename Print>
std::string printed(Print print) {
    OwnedBio bio(BIO_new(BIO_s_mem()));
    CHECK(bio != nullptr);
    print(bio.get());
    char* bytes = nullptr;
    long size = BIO_get_mem_data(bio.get(), &bytes);
    return {bytes, static_cast<size_t>(size)};
}

std::string hex(std::span<const unsigned char> bytes) {
    std::string text;
    for (unsigned char byte : bytes) text += text::format("{:02x}", byte);
    return text;
}

// --- the connection

Value protocol(Request& request, SSL* ssl) { return text_value(request, SSL_get_version(ssl)); }
Value cipher(Request& request, SSL* ssl) { return text_value(request, SSL_get_cipher_name(ssl)); }
Value server_name(Request& request, const VariableUse&) {
    if (!request.greeted_name.empty()) return request.greeted_name;
    if (request.peer->tls == nullptr) return std::nullopt;
    return text_value(request, SSL_get_servername(request.peer->tls->ssl(), TLSEXT_NAMETYPE_host_name));
}
Value session_reused(Request&, SSL* ssl) { return SSL_session_reused(ssl) == 1 ? "r" : "."; }
Value early_data(Request&, SSL* ssl) { return SSL_is_init_finished(ssl) == 1 ? Value() : Value("1"); }

Value session_id(Request& request, SSL* ssl) {
    SSL_SESSION* session = SSL_get0_session(ssl);
    if (session == nullptr) return std::nullopt;
    unsigned int bytes = 0;
    const unsigned char* id = SSL_SESSION_get_id(session, &bytes);
    return request.arena.copy(hex({id, bytes}));
}

Value alpn_protocol(Request& request, SSL* ssl) {
    const unsigned char* name = nullptr;
    unsigned int bytes = 0;
    SSL_get0_alpn_selected(ssl, &name, &bytes);
    if (bytes == 0) return std::nullopt;
    return request.arena.copy({reinterpret_cast<const char*>(name), bytes});
}

std::string group_name(int group) {
    if ((group & TLSEXT_nid_unknown) != 0) return text::format("0x{:04x}", group & 0xffff);
    return OBJ_nid2sn(group);
}

Value curve(Request& request, SSL* ssl) {
    int group = static_cast<int>(SSL_get_negotiated_group(ssl));
    if (group == NID_undef) return std::nullopt;
    return request.arena.copy(group_name(group));
}

// --- what the client offered

void add(std::string& list, std::string_view item) {
    if (!list.empty()) list += ':';
    list += item;
}

Value curves(Request& request, SSL* ssl) {
    int count = static_cast<int>(SSL_get1_curves(ssl, nullptr));
    if (count <= 0) return std::nullopt;
    std::vector<int> groups(static_cast<size_t>(count));
    SSL_get1_curves(ssl, groups.data());
    std::string list;
    for (int group : groups) add(list, group_name(group));
    return request.arena.copy(list);
}

Value ciphers(Request& request, SSL* ssl) {
    const unsigned char* raw = nullptr;
    auto width = static_cast<size_t>(SSL_get0_raw_cipherlist(ssl, nullptr));
    auto bytes = static_cast<size_t>(SSL_get0_raw_cipherlist(ssl, &raw));
    std::string list;
    for (size_t at = 0; at + width <= bytes; at += width) {
        const SSL_CIPHER* known = SSL_CIPHER_find(ssl, raw + at);
        add(list, known != nullptr ? SSL_CIPHER_get_name(known)
                                   : text::format("0x{:02x}{:02x}", raw[at], raw[at + width - 1]));
    }
    return list.empty() ? Value() : Value(request.arena.copy(list));
}

std::string signature_name(int hash, int signature, int both, unsigned char raw_signature, unsigned char raw_hash) {
    if (both != NID_undef) return OBJ_nid2sn(both);
    bool is_known = hash != NID_undef && signature != NID_undef;
    if (is_known) return text::format("{}+{}", OBJ_nid2sn(signature), OBJ_nid2sn(hash));
    return text::format("0x{:02x}{:02x}", raw_hash, raw_signature);
}

Value sigalgs(Request& request, SSL* ssl) {
    int count = SSL_get_sigalgs(ssl, -1, nullptr, nullptr, nullptr, nullptr, nullptr);
    std::string list;
    for (int i = 0; i < count; ++i) {
        int hash = 0, signature = 0, both = 0;
        unsigned char raw_signature = 0, raw_hash = 0;
        SSL_get_sigalgs(ssl, i, &signature, &hash, &both, &raw_signature, &raw_hash);
        add(list, signature_name(hash, signature, both, raw_signature, raw_hash));
    }
    return list.empty() ? Value() : Value(request.arena.copy(list));
}

Value sigalg_of(Request& request, int got, int type) {
    return got == 1 && type != NID_undef ? text_value(request, OBJ_nid2sn(type)) : Value();
}

Value sigalg(Request& request, SSL* ssl) {
    int type = NID_undef;
    int got = SSL_get_signature_type_nid(ssl, &type);
    return sigalg_of(request, got, type);
}

Value client_sigalg(Request& request, SSL* ssl) {
    int type = NID_undef;
    int got = SSL_get_peer_signature_type_nid(ssl, &type);
    return sigalg_of(request, got, type);
}

// --- the client's certificate

std::string pem(X509* certificate) {
    return printed([certificate](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
}

Value raw_certificate(Request& request, X509* certificate) { return request.arena.copy(pem(certificate)); }

// As the value of a field: lines go on behind a tab, and the last one has no end.
Value certificate(Request& request, X509* certificate) {
    std::string text = pem(certificate), folded;
    if (text.ends_with('\n')) text.pop_back();
    for (char c : text) {
        folded += c;
        if (c == '\n') folded += '\t';
    }
    return request.arena.copy(folded);
}

Value escaped_certificate(Request& request, X509* certificate) {
    std::string escaped;
    escape_uri(pem(certificate), UriPart::component, escaped);
    return request.arena.copy(escaped);
}

Value name_value(Request& request, const X509_NAME* name) {
    return request.arena.copy(printed([name](BIO* bio) { X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253); }));
}

Value legacy_name_value(Request& request, const X509_NAME* name) {
    std::unique_ptr<char, decltype([](char* text) { OPENSSL_free(text); })> text(X509_NAME_oneline(name, nullptr, 0));
    return text_value(request, text.get());
}

template <auto value, auto name>
Value named(Request& request, X509* certificate) {
    return value(request, name(certificate));
}

Value serial(Request& request, X509* certificate) {
    const ASN1_INTEGER* number = X509_get0_serialNumber(certificate);
    return request.arena.copy(printed([number](BIO* bio) { i2a_ASN1_INTEGER(bio, number); }));
}

Value fingerprint(Request& request, X509* certificate) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int bytes = 0;
    if (X509_digest(certificate, EVP_sha1(), digest, &bytes) == 0) return std::nullopt;
    return request.arena.copy(hex({digest, bytes}));
}

template <auto time>
Value date(Request& request, X509* certificate) {
    return request.arena.copy(printed([certificate](BIO* bio) { ASN1_TIME_print(bio, time(certificate)); }));
}

Value remaining_days(Request& request, X509* certificate) {
    int days = 0, seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate)) == 0) return std::nullopt;
    int64_t left = int64_t{days} * day_seconds + seconds;
    return request.arena.copy(std::to_string(std::max<int64_t>(left, 0) / day_seconds));
}

Value verdict(Request& request, SSL* ssl) {
    if (SSL_get0_peer_certificate(ssl) == nullptr) return "NONE";
    long result = SSL_get_verify_result(ssl);
    if (result != X509_V_OK) return request.arena.join({"FAILED:", X509_verify_cert_error_string(result)});
    ClientFault fault = request.peer->tls->client_fault();
    return fault == nullptr ? Value("SUCCESS") : request.arena.join({"FAILED:", fault});
}

}  // namespace

const std::array<Variable, 26> variables = {{
    {"ssl_alpn_protocol", of_tls<alpn_protocol>},
    {"ssl_cipher", of_tls<cipher>},
    {"ssl_ciphers", of_tls<ciphers>},
    {"ssl_client_cert", of_tls<of_certificate<certificate>>},
    {"ssl_client_escaped_cert", of_tls<of_certificate<escaped_certificate>>},
    {"ssl_client_fingerprint", of_tls<of_certificate<fingerprint>>},
    {"ssl_client_i_dn", of_tls<of_certificate<named<name_value, X509_get_issuer_name>>>},
    {"ssl_client_i_dn_legacy", of_tls<of_certificate<named<legacy_name_value, X509_get_issuer_name>>>},
    {"ssl_client_raw_cert", of_tls<of_certificate<raw_certificate>>},
    {"ssl_client_s_dn", of_tls<of_certificate<named<name_value, X509_get_subject_name>>>},
    {"ssl_client_s_dn_legacy", of_tls<of_certificate<named<legacy_name_value, X509_get_subject_name>>>},
    {"ssl_client_serial", of_tls<of_certificate<serial>>},
    {"ssl_client_sigalg", of_tls<client_sigalg>},
    {"ssl_client_v_end", of_tls<of_certificate<date<X509_get0_notAfter>>>},
    {"ssl_client_v_remain", of_tls<of_certificate<remaining_days>>},
    {"ssl_client_v_start", of_tls<of_certificate<date<X509_get0_notBefore>>>},
    {"ssl_client_verify", of_tls<verdict>},
    {"ssl_curve", of_tls<curve>},
    {"ssl_curves", of_tls<curves>},
    {"ssl_early_data", of_tls<early_data>},
    {"ssl_protocol", of_tls<protocol>},
    {"ssl_server_name", server_name},
    {"ssl_session_id", of_tls<session_id>},
    {"ssl_session_reused", of_tls<session_reused>},
    {"ssl_sigalg", of_tls<sigalg>},
    {"ssl_sigalgs", of_tls<sigalgs>},
}};

}  // namespace ringx::http::ssl

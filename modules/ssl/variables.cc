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
template <Value (*get)(Request&, const Tls&)>
Value of_tls(Request& request, const VariableUse&) {
    if (request.peer->tls == nullptr) return std::nullopt;
    return get(request, *request.peer->tls);
}

// A variable of the client's certificate.
template <Value (*get)(Request&, X509*)>
Value of_certificate(Request& request, const Tls& tls) {
    X509* certificate = tls.info().client_certificate.get();
    return certificate == nullptr ? Value() : get(request, certificate);
}

// What the client could have done.
template <std::string TlsOffer::*list>
Value offered(Request& request, const Tls& tls) {
    const TlsOffer* offer = tls.info().offer.get();
    if (offer == nullptr || (offer->*list).empty()) return std::nullopt;
    return request.arena.copy(offer->*list);
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

Value protocol(Request&, const Tls& tls) { return tls.info().protocol; }
Value cipher(Request&, const Tls& tls) { return tls.info().cipher; }
Value session_reused(Request&, const Tls& tls) { return tls.info().is_resumed ? "r" : "."; }
Value early_data(Request&, const Tls& tls) { return tls.is_early() ? Value("1") : Value(); }

// For names of certificates it is known before there is a connection.
Value server_name(Request& request, const VariableUse&) {
    if (!request.greeted_name.empty()) return request.greeted_name;
    if (request.peer->tls == nullptr || request.peer->tls->info().server_name.empty()) return std::nullopt;
    return request.arena.copy(request.peer->tls->info().server_name);
}

// OpenSSL has no Encrypted ClientHello yet, see ssl_ech_file.
Value without_ech(Request&, const VariableUse&) { return std::nullopt; }

Value session_id(Request& request, const Tls& tls) {
    const std::string& id = tls.info().session_id;
    return request.arena.copy(hex({reinterpret_cast<const unsigned char*>(id.data()), id.size()}));
}

Value alpn_protocol(Request& request, const Tls& tls) {
    return tls.info().alpn.empty() ? Value() : request.arena.copy(tls.info().alpn);
}

Value curve(Request& request, const Tls& tls) {
    if (tls.info().group == NID_undef) return std::nullopt;
    return request.arena.copy(group_name(tls.info().group));
}

template <int TlsInfo::*type>
Value signature(Request& request, const Tls& tls) {
    return tls.info().*type == NID_undef ? Value() : text_value(request, OBJ_nid2sn(tls.info().*type));
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

Value verdict(Request& request, const Tls& tls) {
    const TlsInfo& info = tls.info();
    if (info.client_certificate == nullptr) return "NONE";
    if (info.verify_result != X509_V_OK) {
        return request.arena.join({"FAILED:", X509_verify_cert_error_string(info.verify_result)});
    }
    return info.client_fault == nullptr ? Value("SUCCESS") : request.arena.join({"FAILED:", info.client_fault});
}

}  // namespace

const std::array<Variable, 28> variables = {{
    {"ssl_alpn_protocol", of_tls<alpn_protocol>},
    {"ssl_cipher", of_tls<cipher>},
    {"ssl_ciphers", of_tls<offered<&TlsOffer::ciphers>>},
    {"ssl_client_cert", of_tls<of_certificate<certificate>>},
    {"ssl_client_escaped_cert", of_tls<of_certificate<escaped_certificate>>},
    {"ssl_client_fingerprint", of_tls<of_certificate<fingerprint>>},
    {"ssl_client_i_dn", of_tls<of_certificate<named<name_value, X509_get_issuer_name>>>},
    {"ssl_client_i_dn_legacy", of_tls<of_certificate<named<legacy_name_value, X509_get_issuer_name>>>},
    {"ssl_client_raw_cert", of_tls<of_certificate<raw_certificate>>},
    {"ssl_client_s_dn", of_tls<of_certificate<named<name_value, X509_get_subject_name>>>},
    {"ssl_client_s_dn_legacy", of_tls<of_certificate<named<legacy_name_value, X509_get_subject_name>>>},
    {"ssl_client_serial", of_tls<of_certificate<serial>>},
    {"ssl_client_sigalg", of_tls<signature<&TlsInfo::client_signature>>},
    {"ssl_client_v_end", of_tls<of_certificate<date<X509_get0_notAfter>>>},
    {"ssl_client_v_remain", of_tls<of_certificate<remaining_days>>},
    {"ssl_client_v_start", of_tls<of_certificate<date<X509_get0_notBefore>>>},
    {"ssl_client_verify", of_tls<verdict>},
    {"ssl_curve", of_tls<curve>},
    {"ssl_curves", of_tls<offered<&TlsOffer::curves>>},
    {"ssl_early_data", of_tls<early_data>},
    {"ssl_ech_outer_server_name", without_ech},
    {"ssl_ech_status", without_ech},
    {"ssl_protocol", of_tls<protocol>},
    {"ssl_server_name", server_name},
    {"ssl_session_id", of_tls<session_id>},
    {"ssl_session_reused", of_tls<session_reused>},
    {"ssl_sigalg", of_tls<signature<&TlsInfo::signature>>},
    {"ssl_sigalgs", of_tls<offered<&TlsOffer::signatures>>},
}};

}  // namespace ringx::http::ssl

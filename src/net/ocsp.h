// net/ocsp.h - whether a certificate was revoked: the question, whom to ask, and what an answer says (RFC 6960).
//
// Only bytes: net/ocsp_inquiry.h carries them to and fro. OpenSSL makes the request and judges the response; nothing is
// parsed here. What is wrong comes back as a sentence in nginx's words, for the log.
#pragma once

#include <openssl/ocsp.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "net/openssl.h"

namespace ringx {

using OwnedOcspRequest = std::unique_ptr<OCSP_REQUEST, FreedBy<OCSP_REQUEST_free>>;
using OwnedOcspResponse = std::unique_ptr<OCSP_RESPONSE, FreedBy<OCSP_RESPONSE_free>>;

// Where a responder is found.
struct OcspResponder {
    std::string host;  // a name or an address
    uint16_t port = 80;
    std::string path;  // with its query

    // "name:80", "[::1]:80"
    std::string authority() const;

    // Of a URL. What is wrong is a fragment: invalid URL prefix in OCSP responder "URL"
    static std::expected<OcspResponder, std::string> parse(std::string_view url);
    // The URL a certificate names first; empty when it names none.
    static std::string url_in(const X509& certificate);
    // The same, read.
    static std::expected<OcspResponder, std::string> named_in(const X509& certificate);
};

enum class OcspStatus : uint8_t { good, revoked, unknown };
// "good", "revoked", "unknown"
std::string_view name_of(OcspStatus status);

// What a responder said, once that is beyond doubt.
struct OcspVerdict {
    OcspStatus status;
    int64_t valid_until;  // seconds since 1970; the far future when there will be no newer information
};

// Who vouches for a response.
struct OcspTrust {
    enum class Signer : uint8_t {
        anyone,     // who has signed it, as long as he shows a certificate or is known
        known,      // the issuer or who is above him; or whom the issuer appointed, by a chain to a root
        appointed,  // the issuer, or whom the issuer appointed, by a chain to a root
    };
    X509_STORE* roots;
    Signer signer;
};

class OcspQuestion {
 public:
    // About a certificate of `issuer`. `chain` may be null: certificates that lead from there to a root.
    OcspQuestion(const X509& certificate, X509& issuer, const STACK_OF(X509) * chain);

    const OCSP_REQUEST& request() const { return *request_; }
    // The same for the same certificate, whoever asks: the request's bytes.
    const std::string& id() const { return id_; }

    // What a response, whole and alone, says of it.
    std::expected<OcspVerdict, std::string> judge(std::string_view response, const OcspTrust& trust) const;

 private:
    OwnedOcspRequest request_;
    OCSP_CERTID* certificate_id_;  // in the request
    OwnedChain signers_;
    std::string id_;
};

}  // namespace ringx

#include "net/ocsp.h"

#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <limits>

#include "base/check.h"
#include "base/format.h"

namespace ringx {
namespace {

// Clocks differ by this much, as nginx allows.
constexpr long skew_seconds = 300;

constexpr std::string_view scheme = "http://";

bool has_scheme(std::string_view url) {
    return url.size() > scheme.size() && strncasecmp(url.data(), scheme.data(), scheme.size()) == 0;
}

std::unexpected<std::string> refuse(std::string_view call) {
    std::string errors = take_openssl_errors();
    return std::unexpected(text::format("{} failed{}", call, errors));
}

// Text that OpenSSL allocated.
class OpensslText {
 public:
    ~OpensslText() { OPENSSL_free(text_); }
    char** into() { return &text_; }
    std::string_view view() const { return text_ == nullptr ? std::string_view() : text_; }

 private:
    char* text_ = nullptr;
};

int64_t seconds_of(const ASN1_GENERALIZEDTIME* time) {
    if (time == nullptr) return std::numeric_limits<int64_t>::max();
    std::tm parts{};
    CHECK(ASN1_TIME_to_tm(time, &parts) == 1);  // OCSP_check_validity() has read it
    return timegm(&parts);
}

OcspStatus status_of(int status) {
    return status == V_OCSP_CERTSTATUS_GOOD      ? OcspStatus::good
           : status == V_OCSP_CERTSTATUS_REVOKED ? OcspStatus::revoked
                                                 : OcspStatus::unknown;
}

unsigned long flags_of(OcspTrust::Signer signer) {
    constexpr unsigned long flags[] = {OCSP_NOVERIFY, OCSP_TRUSTOTHER, 0};
    return flags[static_cast<size_t>(signer)];
}

}  // namespace

std::expected<OcspResponder, std::string> OcspResponder::parse(std::string_view url) {
    auto wrong = [](std::string_view why, std::string_view where) {
        return std::unexpected(text::format("{} in OCSP responder \"{}\"", why, where));
    };
    // It goes into a head and into logs, and a certificate may have brought it.
    bool is_text = std::ranges::all_of(url, [](char c) { return c > ' ' && c < '\x7f'; });
    if (!is_text) return std::unexpected("invalid URL of an OCSP responder");
    if (!has_scheme(url)) return wrong("invalid URL prefix", url);
    std::string_view rest = url.substr(scheme.size());
    if (std::string_view(":/?#").contains(rest[0])) return wrong("no host", rest);
    OpensslText host, path, query;
    int port = 0;
    std::string plain = text::format("{}{}", scheme, rest);
    int parsed = OSSL_HTTP_parse_url(plain.c_str(), nullptr, nullptr, host.into(), nullptr, &port, path.into(),
                                     query.into(), nullptr);
    ERR_clear_error();
    if (parsed == 0) return wrong("invalid port", rest);
    std::string_view name = host.view();
    if (name.starts_with('[')) name = name.substr(1, name.size() - 2);
    OcspResponder responder{std::string(name), static_cast<uint16_t>(port), std::string(path.view())};
    if (!query.view().empty()) responder.path.append("?").append(query.view());
    return responder;
}

std::string OcspResponder::authority() const {
    return host.contains(':') ? text::format("[{}]:{}", host, port) : text::format("{}:{}", host, port);
}

std::string OcspResponder::url_in(const X509& certificate) {
    // X509_get1_ocsp() reads only, but fills a cache that it locks.
    STACK_OF(OPENSSL_STRING)* urls = X509_get1_ocsp(const_cast<X509*>(&certificate));
    if (urls == nullptr) return {};
    std::string first = sk_OPENSSL_STRING_num(urls) > 0 ? sk_OPENSSL_STRING_value(urls, 0) : "";
    X509_email_free(urls);
    return first;
}

std::expected<OcspResponder, std::string> OcspResponder::named_in(const X509& certificate) {
    std::string url = url_in(certificate);
    if (url.empty()) return std::unexpected("no OCSP responder URL in certificate");
    auto responder = parse(url);
    if (!responder) return std::unexpected(text::format("{} in certificate", responder.error()));
    return responder;
}

std::string_view name_of(OcspStatus status) {
    constexpr std::string_view names[] = {"good", "revoked", "unknown"};
    return names[static_cast<size_t>(status)];
}

OcspQuestion::OcspQuestion(const X509& certificate, X509& issuer, const STACK_OF(X509) * chain)
    : request_(OCSP_REQUEST_new()), signers_(sk_X509_new_null()) {
    CHECK(request_ != nullptr && signers_ != nullptr);
    certificate_id_ = OCSP_cert_to_id(nullptr, &certificate, &issuer);
    CHECK(certificate_id_ != nullptr);
    CHECK(OCSP_request_add0_id(request_.get(), certificate_id_) != nullptr);
    unsigned char* bytes = nullptr;
    int size = i2d_OCSP_REQUEST(request_.get(), &bytes);
    CHECK(size > 0);
    id_.assign(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
    OPENSSL_free(bytes);

    auto add = [this](X509* signer) {
        CHECK(X509_add_cert(signers_.get(), signer, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP) == 1);
    };
    add(&issuer);
    for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) add(sk_X509_value(chain, i));
}

std::expected<OcspVerdict, std::string> OcspQuestion::judge(std::string_view response, const OcspTrust& trust) const {
    ERR_clear_error();
    const auto* at = reinterpret_cast<const unsigned char*>(response.data());
    OwnedOcspResponse whole(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(response.size())));
    if (whole == nullptr) return refuse("d2i_OCSP_RESPONSE()");
    int success = OCSP_response_status(whole.get());
    if (success != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        return std::unexpected(text::format("OCSP response not successful ({}: {})", success,
                                            OCSP_response_status_str(success)));
    }
    std::unique_ptr<OCSP_BASICRESP, FreedBy<OCSP_BASICRESP_free>> basic(OCSP_response_get1_basic(whole.get()));
    if (basic == nullptr) return refuse("OCSP_response_get1_basic()");
    int verified = OCSP_basic_verify(basic.get(), signers_.get(), trust.roots, flags_of(trust.signer));
    if (verified != 1) return refuse("OCSP_basic_verify()");

    int status = 0;
    ASN1_GENERALIZEDTIME* this_update = nullptr;
    ASN1_GENERALIZEDTIME* next_update = nullptr;
    if (OCSP_resp_find_status(basic.get(), certificate_id_, &status, nullptr, nullptr, &this_update, &next_update) !=
        1) {
        return std::unexpected("certificate status not found in the OCSP response");
    }
    if (OCSP_check_validity(this_update, next_update, skew_seconds, -1) != 1) return refuse("OCSP_check_validity()");
    return OcspVerdict{status_of(status), seconds_of(next_update)};
}

}  // namespace ringx

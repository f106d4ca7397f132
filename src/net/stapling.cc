#include "net/stapling.h"

#include <openssl/err.h>
#include <openssl/sha.h>

#include <ctime>

#include "base/check.h"
#include "base/format.h"
#include "net/staples.h"
#include "net/tls_context.h"

namespace ringx {
namespace {

std::unexpected<std::string> ignored(std::string_view why) {
    return std::unexpected(text::format("\"ssl_stapling\" ignored, {}", why));
}

// Who issued a certificate: of its chain, or one of the roots. Null when neither has it.
OwnedX509 issuer_of(const X509& certificate, const STACK_OF(X509) * chain, X509_STORE& roots) {
    auto* subject = const_cast<X509*>(&certificate);  // its extensions are read once, under a lock
    for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
        X509* one = sk_X509_value(chain, i);
        if (X509_check_issued(one, subject) != X509_V_OK) continue;
        X509_up_ref(one);
        return OwnedX509(one);
    }
    std::unique_ptr<X509_STORE_CTX, FreedBy<X509_STORE_CTX_free>> search(X509_STORE_CTX_new());
    CHECK(search != nullptr && X509_STORE_CTX_init(search.get(), &roots, nullptr, nullptr) == 1);
    X509* found = nullptr;
    if (X509_STORE_CTX_get1_issuer(&found, search.get(), subject) != 1) found = nullptr;
    ERR_clear_error();
    return OwnedX509(found);
}

// Responses are the same for the same question, as long as the same people vouch for them.
std::string key_of(const OcspQuestion& question, const OcspResponder& responder, const StaplingRules& rules) {
    std::string all = question.id() + responder.authority() + responder.path;
    if (rules.verify) all.append("\n").append(rules.trusted);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest);
    return {reinterpret_cast<char*>(digest), sizeof digest};
}

}  // namespace

Stapling::Made Stapling::of_file(const X509& certificate, const TlsFile& response) {
    ERR_clear_error();
    const auto* at = reinterpret_cast<const unsigned char*>(response.bytes.data());
    OwnedOcspResponse parsed(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(response.bytes.size())));
    if (parsed == nullptr) {
        std::string errors = take_openssl_errors();
        return std::unexpected(text::format("d2i_OCSP_RESPONSE_bio(\"{}\") failed{}", response.name, errors));
    }
    Stapling stapling(certificate);
    stapling.fixed_ = response.bytes.substr(0, static_cast<size_t>(reinterpret_cast<const char*>(at) -
                                                                  response.bytes.data()));
    return stapling;
}

Stapling::Made Stapling::of_responder(const X509& certificate, std::string_view name, const STACK_OF(X509) * chain,
                                      X509_STORE& roots, const StaplingRules& rules) {
    OwnedX509 issuer = issuer_of(certificate, chain, roots);
    if (issuer == nullptr) {
        return ignored(text::format("issuer certificate not found for certificate \"{}\"", name));
    }
    std::string url = rules.responder.empty() ? OcspResponder::url_in(certificate) : std::string(rules.responder);
    if (url.empty()) return ignored(text::format("no OCSP responder URL in the certificate \"{}\"", name));
    auto responder = OcspResponder::parse(url);
    if (!responder) return ignored(text::format("{} in the certificate \"{}\"", responder.error(), name));

    OcspQuestion question(certificate, *issuer, chain);
    std::string key = key_of(question, *responder, rules);
    OcspTrust::Signer signer = rules.verify ? OcspTrust::Signer::known : OcspTrust::Signer::anyone;
    Stapling stapling(certificate);
    stapling.source_ = std::make_unique<const StaplingSource>(
        std::move(question), std::move(*responder), OcspTrust{&roots, signer}, std::string(name),
        std::move(key), rules.zone, rules.names);
    return stapling;
}

std::string Stapling::response() const {
    if (source_ == nullptr) return fixed_;
    return Staples(*source_->zone->memory, time(nullptr)).find(source_->key);
}

}  // namespace ringx

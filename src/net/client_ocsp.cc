#include "net/client_ocsp.h"

#include <openssl/err.h>

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/shared_table.h"

namespace ringx {
namespace {

struct KnownStatus {
    int64_t valid_until;
    OcspStatus status;
};

using Table = SharedTable<KnownStatus>;

std::optional<OcspStatus> find(const ClientOcspRules& rules, const OcspQuestion& question, int64_t now) {
    if (rules.cache == nullptr) return std::nullopt;
    SharedZone::Lock lock(*rules.cache->memory);
    Table table(lock);
    KnownStatus* known = table.find(question.id());
    if (known == nullptr || known->valid_until < now) return std::nullopt;
    return known->status;
}

// What will never be said anew is asked for again after an hour, as in nginx.
constexpr int64_t kept_seconds = 3600;

void keep(const ClientOcspRules& rules, const OcspQuestion& question, const OcspVerdict& verdict, int64_t now) {
    if (rules.cache == nullptr) return;
    SharedZone::Lock lock(*rules.cache->memory);
    Table table(lock);
    KnownStatus* known = table.find(question.id());
    while (known == nullptr) {
        known = table.insert(question.id());
        KnownStatus* oldest = table.oldest();
        if (known == nullptr && oldest == nullptr) return;
        if (known == nullptr) table.remove(*oldest);
    }
    bool is_forever = verdict.valid_until == std::numeric_limits<int64_t>::max();
    *known = {is_forever ? now + kept_seconds : verdict.valid_until, verdict.status};
}

ClientFault fault_of(OcspStatus status) {
    switch (status) {
        case OcspStatus::good: return nullptr;
        case OcspStatus::revoked: return "certificate revoked";
        case OcspStatus::unknown: break;
    }
    return "certificate status unknown";
}

// The way from the client's certificate to a root. A session that goes on knows only the certificate: the way is looked
// for again. Null when there is none.
OwnedChain verified_chain(SSL* ssl, X509* certificate, X509_STORE* roots) {
    if (STACK_OF(X509)* known = SSL_get0_verified_chain(ssl)) return OwnedChain(X509_chain_up_ref(known));
    std::unique_ptr<X509_STORE_CTX, FreedBy<X509_STORE_CTX_free>> search(X509_STORE_CTX_new());
    CHECK(search != nullptr);
    bool found = X509_STORE_CTX_init(search.get(), roots, certificate, SSL_get_peer_cert_chain(ssl)) == 1 &&
                 X509_verify_cert(search.get()) == 1;
    ERR_clear_error();
    return OwnedChain(found ? X509_STORE_CTX_get1_chain(search.get()) : nullptr);
}

// Those of the chain from there on.
OwnedChain rest_of(const STACK_OF(X509) * chain, int from) {
    OwnedChain rest(sk_X509_new_null());
    CHECK(rest != nullptr);
    for (int i = from; i < sk_X509_num(chain); ++i) {
        CHECK(X509_add_cert(rest.get(), sk_X509_value(chain, i), X509_ADD_FLAG_UP_REF) == 1);
    }
    return rest;
}

// What there is to know while one client is asked about.
struct Inquest {
    OcspDesk& desk;
    const ClientOcspRules& rules;
    const OcspInquiry::Subject& subject;
    X509_STORE* roots;
    uint64_t until_ms;

    std::optional<OcspResponder> responder_of(const X509& certificate) const {
        if (rules.responder) return rules.responder;
        auto named = OcspResponder::named_in(certificate);
        if (named) return std::move(*named);
        subject.log().write(Level::error, subject.context, "{}", named.error());
        return std::nullopt;
    }

    // Nothing: nobody has said anything that counts.
    Task<std::optional<OcspStatus>> status_of(const X509& certificate, const OcspQuestion& question) const {
        const Clock& clock = desk.loop().clock();
        std::optional<OcspStatus> known = find(rules, question, clock.seconds());
        if (known) co_return known;
        std::optional<OcspResponder> responder = responder_of(certificate);
        uint64_t now = clock.now_ms();
        if (!responder || now >= until_ms) co_return std::nullopt;
        OcspInquiry inquiry(desk, question, *responder, rules.names, subject);
        std::optional<std::string> response = co_await inquiry.ask(until_ms - now);
        if (!response) co_return std::nullopt;
        auto verdict = question.judge(*response, {roots, OcspTrust::Signer::appointed});
        if (!verdict) {
            inquiry.report({}, verdict.error());
            co_return std::nullopt;
        }
        keep(rules, question, *verdict, clock.seconds());
        co_return verdict->status;
    }
};

}  // namespace

Task<ClientFault> ask_about_client(OcspDesk& desk, SSL* ssl, const ClientOcspRules& rules,
                                   const OcspInquiry::Subject& subject, uint64_t limit_ms) {
    X509* own = SSL_get0_peer_certificate(ssl);
    bool is_judged = own == nullptr || SSL_get_verify_result(ssl) != X509_V_OK;
    if (is_judged) co_return nullptr;
    X509_STORE* roots = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    OwnedChain chain = verified_chain(ssl, own, roots);
    if (chain == nullptr) co_return client_status_unanswered;

    const Inquest inquest{desk, rules, subject, roots, desk.loop().clock().now_ms() + limit_ms};
    int count = sk_X509_num(chain.get()) - 1;
    if (rules.leaf_only) count = std::min(count, 1);
    for (int i = 0; i < count; ++i) {
        const X509& certificate = *sk_X509_value(chain.get(), i);
        OwnedChain above = rest_of(chain.get(), i + 2);  // nobody vouches for himself
        OcspQuestion question(certificate, *sk_X509_value(chain.get(), i + 1), above.get());
        std::optional<OcspStatus> status = co_await inquest.status_of(certificate, question);
        if (!status) co_return client_status_unanswered;
        if (*status != OcspStatus::good) co_return fault_of(*status);
    }
    co_return nullptr;
}

}  // namespace ringx

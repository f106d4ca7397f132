// http/connection_certificates.cc - certificates that are looked for when a client greets, because their names have
// variables.
//
// The names are evaluated for a request that does not exist: of the client only its addresses are known, and whom it
// greets, which is a host name or nothing and so leads into no other directory. Files are read on a thread, as far as
// the cache does not have them. When one cannot be had the client is told that it is our fault.
#include "base/format.h"
#include "http/connection.h"
#include "http/named_certificates.h"
#include "http/pipeline.h"
#include "http/server.h"
#include "http/site.h"
#include "http/tls_directives.h"
#include "net/certificate_finder.h"

namespace ringx::http {
namespace {

int have_none(SSL*, void*) { return 0; }

}  // namespace

std::vector<CertificateNames> Connection::name_certificates(const VirtualServer& server, std::string_view greeted) {
    const NamedCertificates& named = *server.settings->named_certificates;
    Request& request = server_.take_uncounted_request(peer_);
    request.server = &server;
    request.started_us = server_.clock().now_us();
    request.greeted_name = greeted;
    enter(request, server.outside);
    if (!greeted.empty()) (void)listen_.point->find(greeted, request);  // for the captures of its name
    auto evaluate = [&](const Template& name) { return whole_name(name.evaluate(request), named.directory); };
    std::vector<CertificateNames> all;
    for (const NamedCertificates::Pair& pair : named.pairs) all.emplace_back(evaluate(pair.chain), evaluate(pair.key));
    server_.give_back(request);
    return all;
}

// Before the handshake. Whatever becomes of it, the handshake goes on: it tells the client.
Task<void> Connection::show_named_certificates(Tls& tls, const VirtualServer& server) {
    std::shared_ptr<const Site> site = listen_.site;  // what is looked at here is its own
    const NamedCertificates& named = *server.settings->named_certificates;
    std::vector<CertificateNames> all = name_certificates(server, tls.server_name());
    std::string chains;
    for (const CertificateNames& names : all) chains += text::format("{}:{}", names.chain.size(), names.chain);
    tls.context().bind_sessions(tls.handshake(), chains);
    for (const CertificateNames& names : all) {
        NamedCertificate::Loaded loaded =
            co_await find_certificate(server_.loop(), named.cache.get(), named.passwords, names);
        std::expected<void, std::string> shown;
        if (loaded) shown = (*loaded)->show(tls.handshake(), names);
        else shown = std::unexpected(std::move(loaded.error()));
        if (!shown) {
            handshake_log().write(Level::error, handshake_context(), "{}", shown.error());
            SSL_set_cert_cb(tls.handshake(), have_none, nullptr);
            co_return;
        }
        if (tls.context().is_slow_with((*loaded)->key())) tls.set_slow();
    }
}

}  // namespace ringx::http

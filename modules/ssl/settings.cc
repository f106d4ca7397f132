#include "modules/ssl/settings.h"

#include "base/format.h"
#include "http/core_settings.h"
#include "http/named_certificates.h"
#include "http/server_settings.h"
#include "modules/ssl/session_cache.h"
#include "modules/ssl/variables.h"
#include "net/staples.h"
#include "net/ticket_keys.h"

namespace ringx::http::ssl {
namespace {

// How our own list of ciphers goes on in TLS 1.3, and that clients who put ChaCha20 first get it: they have no AES in
// hardware.
constexpr TlsCommand default_suites = {"Ciphersuites",
                                    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"};
constexpr TlsCommand chacha_for_who_wants_it = {"Options", "PrioritizeChaCha"};

void set_ciphers(const Settings& own, TlsSettings& tls) {
    bool are_ours = !own.ciphers.written();
    tls.ciphers = *own.ciphers;
    tls.prefer_server_ciphers = own.prefer_server_ciphers.written() ? *own.prefer_server_ciphers : are_ours;
    if (are_ours) tls.commands = {default_suites, chacha_for_who_wants_it};
    tls.commands.insert(tls.commands.end(), own.commands->begin(), own.commands->end());
}

// What must be equal for a session to be resumed in another server or after a reload: whose certificates are shown,
// which ciphers will do, and how clients are judged. Where they are, no other server's sessions will do.
std::string session_context(const TlsSettings& tls, const ServerSettings& server) {
    std::string context;
    auto add = [&context](std::string_view part) { context += text::format("{}:{}", part.size(), part); };
    for (const TlsCertificate& pair : tls.certificates) add(pair.chain.bytes);
    add(tls.ciphers);
    if (tls.verify == VerifyClient::off) return context;
    add(text::format("{} {}", static_cast<int>(tls.verify), tls.verify_depth));
    for (const TlsFile* file : {&tls.client_certificates, &tls.trusted_certificates, &tls.revoked}) add(file->bytes);
    for (const ServerName& name : server.names) add(name.text);
    for (const ListenHere& listen : server.listens) add(listen.key);
    return context;
}

// The server of an address that is asked when no name tells.
const conf::Block& default_server(const conf::Block& server, const std::string& key, const ListenAddress& address) {
    if (address.default_server != nullptr) return *address.default_server;
    for (const conf::Block* other : server.outer()->inner()) {
        if (other->context() != conf::server) continue;
        for (const ListenHere& listen : server_settings.in(*other).listens) {
            if (listen.key == key) return *other;
        }
    }
    return server;
}

// A server that cannot speak TLS may stand beside one that can, and then uses its certificates.
void check_listens(const Settings& own, conf::Completion& completion) {
    if (!own.certificates->empty() || *own.reject_handshake) return;
    const conf::Block& block = completion.block();
    const conf::Block* root = &block;
    while (root->outer() != nullptr) root = root->outer();
    for (const ListenHere& listen : server_settings.in(block).listens) {
        const ListenAddress& address = http_settings.in(*root).addresses.at(listen.key);
        if (address.tls == ListenTls::off) continue;
        const conf::Block& first = default_server(block, listen.key, address);
        if (&first != &block && !settings.in(first).certificates->empty()) continue;
        completion.mistake(listen.word.place, "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive");
        return;
    }
}

// Some variable wants to know what clients could have done.
bool asks_for_offer(const conf::Block& server) {
    const VariableNames& names = variable_names.in(server);
    return std::ranges::any_of(offer_variables, [&](std::string_view name) { return names.is_used(name); });
}

// What is known already is read, the rest left to handshakes.
void read_certificates(const Settings& own, TlsFiles& files, TlsSettings& tls, NamedCertificates& named) {
    const CertificateNameList& keys = *own.certificate_keys;
    for (size_t i = 0; i < own.certificates->size(); ++i) {
        const auto& [chain, chain_text] = own.certificates.value[i];
        if (i >= keys.size()) {
            return files.complain(chain.place, text::format("no \"ssl_certificate_key\" is defined for certificate "
                                                            "\"{}\"", chain.text));
        }
        const auto& [key, key_text] = keys[i];
        if (!chain_text.is_constant() || !key_text.is_constant()) {
            named.pairs.push_back({chain_text, key_text});
            continue;
        }
        TlsCertificate pair;
        pair.chain = files.read(chain.text, "certificate", chain.place);
        pair.key = files.read_key(key.text, key.place);
        tls.certificates.push_back(std::move(pair));
    }
}

// Of the server; null when all its certificates are known already, or shown to nobody.
std::shared_ptr<const NamedCertificates> complete_named(const Settings& own, conf::Completion& completion,
                                                        NamedCertificates&& named) {
    if (named.pairs.empty() || *own.reject_handshake) return nullptr;
    if (*own.stapling) completion.warn("\"ssl_stapling\" ignored for certificates whose names have variables");
    named.passwords = *own.passwords;
    named.directory = completion.conf_prefix();
    named.cache = *own.certificate_cache;
    return std::make_shared<const NamedCertificates>(std::move(named));
}

void read_ticket_keys(const Settings& own, TlsFiles& files, TlsSettings& tls) {
    for (const conf::Word& word : *own.ticket_keys) {
        TlsFile file = files.read_secret(word);
        if (!files.good()) return;
        auto key = TicketKey::read(file.bytes);
        if (!key) return files.complain(word.place, text::format("\"{}\" must be 48 or 80 bytes", file.name));
        tls.ticket_keys.push_back(*key);
    }
}

void read_client_ocsp(const Settings& own, TlsFiles& files, conf::Completion& completion, TlsSettings& tls) {
    if (*own.client_ocsp == ClientOcsp::off) return;
    if (tls.verify == VerifyClient::optional_no_ca) {
        return files.complain({}, "\"ssl_ocsp\" is incompatible with \"ssl_verify_client optional_no_ca\"");
    }
    ClientOcspRules& rules = tls.client_ocsp.emplace();
    rules.leaf_only = *own.client_ocsp == ClientOcsp::leaf;
    rules.names = core_settings.in(completion.block()).resolver_rules();
    if (NamedZone* zone = *own.client_ocsp_cache) rules.cache = zone->shared_from_this();
    if (own.client_ocsp_responder->empty()) return;
    auto responder = OcspResponder::parse(*own.client_ocsp_responder);
    if (!responder) return files.complain({}, text::format("{} in \"ssl_ocsp_responder\"", responder.error()));
    rules.responder = std::move(*responder);
}

void read_stapling(const Settings& own, TlsFiles& files, conf::Completion& completion, TlsSettings& tls) {
    tls.stapling = *own.stapling;
    if (!tls.stapling) return;
    tls.stapling_file = files.read(*own.stapling_file, "OCSP response");
    if (!own.stapling_file->empty()) return;
    tls.stapling_rules.responder = *own.stapling_responder;
    tls.stapling_rules.verify = *own.stapling_verify;
    tls.stapling_rules.names = core_settings.in(completion.block()).resolver_rules();
    conf::Block* root = &completion.block();
    while (root->outer() != nullptr) root = root->outer();
    tls.stapling_rules.zone = named_zones.in(*root).own(Staples::use, Staples::zone_bytes);
}

}  // namespace

constinit conf::Slot<Settings> settings;

void Settings::complete(conf::Completion& completion) {
    if (completion.block().context() != conf::server) return;
    check_listens(*this, completion);
    ServerSettings& server = server_settings.in(completion.block());
    server.needs_client_certificate = *verify == VerifyClient::on;
    if (certificates->empty() && !*reject_handshake) return;

    TlsFiles files(completion);
    TlsSettings tls;
    NamedCertificates named;
    read_certificates(*this, files, tls, named);
    tls.passwords = *passwords;
    tls.reject_handshake = *reject_handshake;
    tls.protocols = bits_of(*protocols);
    set_ciphers(*this, tls);
    tls.curves = *curves;
    tls.dhparam = files.read(*dhparam, "DH parameters");
    tls.verify = *verify;
    tls.verify_depth = static_cast<int>(*verify_depth);
    tls.client_certificates = files.read(*client_certificate, "certificate");
    tls.trusted_certificates = files.read(*trusted_certificate, "certificate");
    tls.revoked = files.read(*crl, "revocation list");
    read_client_ocsp(*this, files, completion, tls);
    read_stapling(*this, files, completion, tls);
    tls.early_data = *early_data;
    tls.session_seconds = session_timeout->count();
    tls.session_tickets = *session_tickets;
    read_ticket_keys(*this, files, tls);
    tls.session_store = session_store(*this);
    tls.elsewhere = *async_threads;
    if (tls.session_tickets && tls.ticket_keys.empty()) ticket_life.in(completion.block()).include(*session_timeout);
    tls.alpn = {"http/1.1", "http/1.0", "http/0.9"};
    tls.record_bytes_max = static_cast<uint32_t>(buffer_size->bytes);
    tls.in_kernel = *in_kernel;
    tls.tells_offer = asks_for_offer(completion.block());
    tls.session_context = session_context(tls, server);
    bool needs_trust = *verify == VerifyClient::on || *verify == VerifyClient::optional;
    if (needs_trust && client_certificate->empty() && trusted_certificate->empty()) {
        files.complain({}, "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client");
    }
    if (!files.good()) return;

    auto made = TlsContext::make(tls);
    if (!made) return completion.mistake(std::move(made.error()));
    server.tls = std::move(*made);
    server.named_certificates = complete_named(*this, completion, std::move(named));
    if (!server.tls->expiry_notice().empty()) completion.warn(server.tls->expiry_notice());
    for (const std::string& warning : server.tls->warnings()) completion.warn(warning);
}

}  // namespace ringx::http::ssl

#include "http/upstream_tls.h"

#include "base/check.h"
#include "base/format.h"
#include "http/request.h"
#include "net/certificate_finder.h"
#include "net/error_log.h"
#include "net/tls_setup.h"

namespace ringx::http {
namespace {

void set_template(Setting<CertificateName>& setting, conf::Binding& binding) {
    if (setting.given) return binding.duplicate();
    const conf::Word& word = binding.words()[0];
    auto text = Template::compile(binding, word);
    if (text) setting.give({word, std::move(*text)});
}

}  // namespace

namespace upstream_tls {

void set_certificate(UpstreamTls& tls, conf::Binding& binding) { set_template(tls.certificate, binding); }

void set_certificate_key(UpstreamTls& tls, conf::Binding& binding) { set_template(tls.certificate_key, binding); }

void set_cache(UpstreamTls& tls, conf::Binding& binding) { set_certificate_cache(tls.certificate_cache, binding); }

void set_password_file(UpstreamTls& tls, conf::Binding& binding) { set_passwords(tls.passwords, binding); }

void add_command(UpstreamTls& tls, conf::Binding& binding) {
    tls.commands.given = true;
    tls.commands.value.emplace_back(binding.words()[0].text, binding.words()[1].text);
}

void set_name(UpstreamTls& tls, conf::Binding& binding) {
    if (tls.name.given) return binding.duplicate();
    auto name = Template::compile(binding, binding.words()[0]);
    if (name) tls.name.give(std::move(*name));
}

void set_key_log(UpstreamTls& tls, conf::Binding& binding) {
    if (tls.key_log.given) return binding.duplicate();
    tls.key_log.give(find_log_file(binding, binding.words()[0]));
}

}  // namespace upstream_tls

void UpstreamTls::inherit(const UpstreamTls& outer) {
    certificate.inherit(outer.certificate);
    certificate_key.inherit(outer.certificate_key);
    certificate_cache.inherit(outer.certificate_cache);
    passwords.inherit(outer.passwords);
    protocols.inherit(outer.protocols);
    ciphers.inherit(outer.ciphers);
    commands.inherit(outer.commands);
    verify.inherit(outer.verify);
    verify_depth.inherit(outer.verify_depth);
    trusted_certificate.inherit(outer.trusted_certificate);
    crl.inherit(outer.crl);
    name.inherit(outer.name);
    server_name.inherit(outer.server_name);
    session_reuse.inherit(outer.session_reuse);
    key_log.inherit(outer.key_log);
}

void UpstreamTls::complete(conf::Completion& completion, std::string_view prefix, std::vector<std::string_view> alpn) {
    TlsFiles files(completion);
    TlsClientSettings tls;
    directory = completion.conf_prefix();
    const conf::Word &chain = certificate->word, &key = certificate_key->word;
    if (!chain.text.empty() && !certificate_key.written()) {
        files.complain({}, text::format("no \"{}certificate_key\" is defined for certificate \"{}\"", prefix,
                                        chain.text));
    } else if (!chain.text.empty() && certificate->text.is_constant() && certificate_key->text.is_constant()) {
        tls.certificate.emplace();
        tls.certificate->chain = files.read(chain.text, "certificate", chain.place);
        tls.certificate->key = files.read_key(key.text, key.place);
    }
    tls.passwords = *passwords;
    tls.protocols = bits_of(*protocols);
    tls.ciphers = *ciphers;
    tls.commands = *commands;
    tls.alpn = std::move(alpn);
    tls.verify = *verify;
    tls.verify_depth = static_cast<int>(*verify_depth);
    if (tls.verify && trusted_certificate->empty()) {
        files.complain({}, text::format("no {0}trusted_certificate for {0}verify", prefix));
    }
    if (tls.verify) {
        tls.trusted_certificates = files.read(*trusted_certificate, "certificate");
        tls.revoked = files.read(*crl, "revocation list");
    }
    tls.tells_name = *server_name;
    tls.reuses_sessions = *session_reuse;
    tls.key_log = *key_log;
    if (!files.good()) return;
    auto made = TlsClientContext::make(tls);
    if (!made) return completion.mistake(std::move(made.error()));
    context = std::move(*made);
}

UpstreamTls::Goal UpstreamTls::goal(Request& request, std::string_view host) const {
    CHECK(context != nullptr);
    Goal goal;
    goal.settings = this;
    goal.name = tls_name_of(name.written() ? name->evaluate(request) : host);
    bool has_named = !certificate->word.text.empty() &&
                     (!certificate->text.is_constant() || !certificate_key->text.is_constant());
    if (has_named) {
        std::string_view chain = certificate->text.evaluate(request);
        // As in nginx: who has no name shows none.
        if (!chain.empty()) {
            goal.certificate.chain = whole_name(chain, directory);
            goal.certificate.key = whole_name(certificate_key->text.evaluate(request), directory);
        }
    }
    goal.key = request.arena.join({context->identity(), goal.name, "\n", goal.certificate.chain, "\n",
                                   goal.certificate.key});
    return goal;
}

void UpstreamHandshake::cancel() {
    cancelled_ = true;
    connect_.cancel();
}

Task<TlsConnect::Outcome> UpstreamHandshake::run(const UpstreamTls::Goal& goal, std::string_view address,
                                                 uint64_t limit_ms) {
    std::string peer = text::format("{}\n{}\n{}", address, goal.certificate.chain, goal.certificate.key);
    auto tls = std::make_unique<TlsClient>(goal.settings->context, sessions_, stream_.fd(), goal.name, peer);
    if (!goal.certificate.chain.empty()) {
        TlsConnect::Outcome shown = co_await show_certificate(*tls, goal);
        if (!shown) co_return shown;
    }
    TlsConnect::Outcome outcome = co_await connect_.run(std::move(tls), limit_ms);
    co_return outcome;
}

Task<TlsConnect::Outcome> UpstreamHandshake::show_certificate(TlsClient& tls, const UpstreamTls::Goal& goal) {
    const UpstreamTls& settings = *goal.settings;
    NamedCertificate::Loaded loaded =
        co_await find_certificate(loop_, settings.certificate_cache->get(), *settings.passwords, goal.certificate);
    if (cancelled_) co_return std::unexpected(TlsFault{{"connect", ECANCELED}, ""});
    std::expected<void, std::string> shown;
    if (loaded) shown = (*loaded)->show(tls.handshake(), goal.certificate);
    else shown = std::unexpected(std::move(loaded.error()));
    if (!shown) co_return std::unexpected(TlsFault{{}, std::move(shown.error()), true});
    if (tls_setup::signs_slowly((*loaded)->key())) tls.set_slow();
    co_return TlsConnect::Outcome();
}

}  // namespace ringx::http

// modules/ssl/module.cc - HTTPS: what servers say about TLS.
//
// The words are gathered here; modules/ssl/settings.cc reads the files, and net/tls_context.h makes of all that what
// handshakes need.
#include "base/format.h"
#include "http/module.h"
#include "modules/ssl/certificate_report.h"
#include "modules/ssl/session_cache.h"
#include "modules/ssl/settings.h"
#include "modules/ssl/variables.h"

namespace ringx::http {
namespace {

using ssl::Settings;

constexpr auto servers = conf::http | conf::server;

template <Setting<ssl::CertificateNameList> Settings::*list>
void add_name(Settings& settings, conf::Binding& binding) {
    const conf::Word& word = binding.words()[0];
    auto text = Template::compile(binding, word);
    if (!text) return;
    (settings.*list).given = true;
    (settings.*list).value.emplace_back(word, std::move(*text));
}

void set_cache(Settings& settings, conf::Binding& binding) {
    set_certificate_cache(settings.certificate_cache, binding);
}

void read_passwords(Settings& settings, conf::Binding& binding) { set_passwords(settings.passwords, binding); }

void add_command(Settings& settings, conf::Binding& binding) {
    settings.commands.given = true;
    settings.commands.value.emplace_back(binding.words()[0].text, binding.words()[1].text);
}

void add_ticket_key(Settings& settings, conf::Binding& binding) {
    settings.ticket_keys.given = true;
    settings.ticket_keys.value.push_back(binding.words()[0]);
}

// off, or shared:NAME:SIZE
void set_ocsp_cache(Settings& settings, conf::Binding& binding) {
    constexpr std::string_view shared = "shared:";
    const conf::Word& word = binding.words()[0];
    if (settings.client_ocsp_cache.given) return binding.duplicate();
    if (word.text == "off") return settings.client_ocsp_cache.give(nullptr);
    std::string_view rest = word.text.substr(std::min(word.text.size(), shared.size()));
    std::string_view name = rest.substr(0, rest.find(':'));
    auto size = conf::parse<conf::Size>(rest.substr(std::min(rest.size(), name.size() + 1)));
    if (!word.text.starts_with(shared) || name.empty() || !size) {
        return binding.mistake(word, text::format("invalid OCSP cache \"{}\"", word.text),
                               "expected off or shared:name:size");
    }
    if (size->bytes < SharedZone::bytes_min) {
        return binding.mistake(word, text::format("OCSP cache \"{}\" is too small", word.text));
    }
    settings.client_ocsp_cache.give(
        named_zones.in(binding.block()).use(binding, word, name, size->bytes, "ssl_ocsp_cache"));
}

// What this OpenSSL cannot do may be switched off, and nothing else.
void refuse_unless_off(conf::Binding& binding) {
    auto on = binding.parse<bool>(binding.words()[0]);
    if (on && *on) binding.refuse("is not supported: " OPENSSL_VERSION_TEXT " cannot compress certificates");
}

void refuse_ech(conf::Binding& binding) {
    binding.refuse("is not supported: " OPENSSL_VERSION_TEXT " has no Encrypted Client Hello");
}

constexpr conf::Directive directives[] = {
    conf::custom<&add_name<&Settings::certificates>, &Settings::certificates>(
        "ssl_certificate", servers, {1, 1}, "The server's certificate and those behind it, PEM; one for each type.")
        .shown_as("file"),
    conf::custom<&add_name<&Settings::certificate_keys>, &Settings::certificate_keys>(
        "ssl_certificate_key", servers, {1, 1}, "The key of the certificate, PEM.")
        .shown_as("file"),
    conf::custom<&set_cache, &Settings::certificate_cache>(
        "ssl_certificate_cache", servers, {1, 3}, "How many certificates whose names have variables are kept.")
        .shown_as("off | max=number [inactive=time] [valid=time]"),
    conf::custom<&read_passwords, &Settings::passwords>("ssl_password_file", servers, {1, 1},
                                                        "Passwords of keys, one in each line.")
        .shown_as("file"),
    conf::value<&Settings::reject_handshake>("ssl_reject_handshake", servers,
                                             "Whether handshakes for this server are refused."),
    conf::value<&Settings::protocols>("ssl_protocols", servers, "The versions of TLS."),
    conf::value<&Settings::ciphers>("ssl_ciphers", servers, "The ciphers before TLS 1.3, in OpenSSL's words.")
        .shown_as("ciphers"),
    conf::value<&Settings::prefer_server_ciphers>("ssl_prefer_server_ciphers", servers,
                                                  "Whether the server's order of ciphers counts, or the client's."),
    conf::value<&Settings::curves>("ssl_ecdh_curve", servers, "The groups for key exchange, with colons between.")
        .shown_as("curves"),
    conf::value<&Settings::dhparam>("ssl_dhparam", servers, "Parameters for DHE ciphers, PEM; without, none is used.")
        .shown_as("file"),
    conf::custom<&add_command, &Settings::commands>("ssl_conf_command", servers, {2, 2},
                                                    "A command to OpenSSL's configuration.")
        .shown_as("name value"),
    conf::value<&Settings::buffer_size>("ssl_buffer_size", servers,
                                        "The size of records; without it small ones first, then large ones."),
    conf::value<&Settings::verify>("ssl_verify_client", servers, "Whether clients need a certificate."),
    conf::value<&Settings::verify_depth>("ssl_verify_depth", servers, "The most certificates between client and root."),
    conf::value<&Settings::client_certificate>("ssl_client_certificate", servers,
                                               "Who may sign certificates of clients, PEM; they are told.")
        .shown_as("file"),
    conf::value<&Settings::trusted_certificate>("ssl_trusted_certificate", servers,
                                                "Who is trusted beside, without being told of, PEM.")
        .shown_as("file"),
    conf::value<&Settings::crl>("ssl_crl", servers, "Which certificates of clients were revoked, PEM.")
        .shown_as("file"),
    conf::value<&Settings::client_ocsp>("ssl_ocsp", servers,
                                        "Whether responders are asked if certificates of clients were revoked."),
    conf::value<&Settings::client_ocsp_responder>("ssl_ocsp_responder", servers,
                                                  "Who is asked about clients, instead of whom certificates name.")
        .shown_as("url"),
    conf::custom<&set_ocsp_cache, &Settings::client_ocsp_cache>("ssl_ocsp_cache", servers, {1, 1},
                                                                "Where what they say about clients is kept.")
        .shown_as("off | shared:name:size"),
    conf::value<&Settings::stapling>("ssl_stapling", servers,
                                     "Whether clients are shown that the certificate was not revoked."),
    conf::value<&Settings::stapling_file>("ssl_stapling_file", servers,
                                          "What they are shown: an OCSP response, DER; without, responders are asked.")
        .shown_as("file"),
    conf::value<&Settings::stapling_responder>("ssl_stapling_responder", servers,
                                               "Who is asked, instead of whom the certificate names.")
        .shown_as("url"),
    conf::value<&Settings::stapling_verify>("ssl_stapling_verify", servers,
                                            "Whether the signer of a response needs a chain to a trusted root."),
    conf::value<&Settings::early_data>("ssl_early_data", servers, "Whether requests may come within the handshake."),
    conf::value<&Settings::session_timeout>("ssl_session_timeout", servers, "For how long sessions may be resumed."),
    conf::value<&Settings::session_tickets>("ssl_session_tickets", servers,
                                            "Whether clients get their sessions to keep, encrypted."),
    conf::custom<&add_ticket_key, &Settings::ticket_keys>(
        "ssl_session_ticket_key", servers, {1, 1}, "A key of tickets, 48 or 80 bytes; several: the first encrypts.")
        .shown_as("file"),
    conf::custom<&ssl::set_session_cache, &Settings::local_cache, &Settings::shared_cache>(
        "ssl_session_cache", servers, {1, 2}, "Where sessions are kept of clients without tickets.")
        .shown_as("off | none | [builtin[:number]] [shared:name:size]"),
    conf::value<&Settings::async_threads>("ssl_async_threads", servers,
                                          "Whether handshakes are done on threads; auto: with long RSA keys."),
    conf::value<&Settings::in_kernel>("ssl_ktls", servers, "Whether the kernel encrypts what is sent, where it can."),
    conf::accepted<&refuse_unless_off>("ssl_certificate_compression", servers, {1, 1},
                                       "Whether certificates are sent compressed; needs OpenSSL 3.2.")
        .shown_as("on | off"),
    conf::accepted<&refuse_ech>("ssl_ech_file", servers, {1, 1},
                                "Keys that decrypt the names clients ask for; needs OpenSSL 4.0.")
        .shown_as("file"),
};

}  // namespace

extern constinit const Module ssl_module = {
    .name = "ssl",
    .directives = directives,
    .settings = &ssl::settings,
    .variables = ssl::variables,
    .applies = [](const conf::Block&) { return false; },
    .tell = ssl::tell_certificates,
};

}  // namespace ringx::http

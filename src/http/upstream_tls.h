// http/upstream_tls.h - TLS towards upstream servers: its directives, and a connection that becomes secure.
//
// The directives are the same for all protocols, with another prefix each: a module has an UpstreamTls as a member of
// its settings and lists upstream_tls::rows among its own. Its inherit() and complete() call those here.
// For a request, goal() is asked once, before a connection is chosen: only those opened with the same key will do.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "conf/directive.h"
#include "http/tls_directives.h"
#include "http/variables.h"
#include "net/tls_connect.h"

namespace ringx::http {

struct UpstreamTls {
    Setting<CertificateName> certificate;  // empty: none
    Setting<CertificateName> certificate_key;
    Setting<std::shared_ptr<CertificateCache>> certificate_cache;  // null: none
    Setting<std::vector<std::string_view>> passwords;
    Setting<conf::Flags<TlsProtocol>> protocols{{TlsProtocol::tlsv1_2, TlsProtocol::tlsv1_3}};
    Setting<std::string_view> ciphers{"DEFAULT"};
    Setting<std::vector<TlsCommand>> commands;
    Setting<bool> verify{false};
    Setting<uint32_t> verify_depth{1};
    Setting<std::string_view> trusted_certificate;
    Setting<std::string_view> crl;
    Setting<Template> name;
    Setting<bool> server_name{false};
    Setting<bool> session_reuse{true};
    Setting<std::shared_ptr<LogFile>> key_log;

    void inherit(const UpstreamTls& outer);
    // Where servers are spoken to over TLS: files are read, and what is wrong is said. `prefix` is that of the
    // directives, "proxy_ssl_"; `alpn` what is offered to servers.
    void complete(conf::Completion& completion, std::string_view prefix, std::vector<std::string_view> alpn = {});

    // What a request wants.
    struct Goal {
        const UpstreamTls* settings = nullptr;
        std::string_view name;           // whom it wants to speak to
        CertificateNames certificate{};  // whose names have variables; empty: the context's
        std::string_view key;            // connections opened with the same one will do
    };
    // After complete(). `host` is whom it goes to, with a port or without; texts live as long as the request.
    Goal goal(Request& request, std::string_view host) const;

    std::shared_ptr<const TlsClientContext> context;  // of complete(); null before
    std::string_view directory;                       // where relative names of certificates start
};

// Makes a connected stream secure; see TlsConnect.
class UpstreamHandshake {
 public:
    UpstreamHandshake(Loop& loop, TlsClientSessions& sessions, Stream& stream)
        : loop_(loop), sessions_(sessions), stream_(stream), connect_(loop, stream) {}

    // `address` is the peer's. The goal, and what it came from, live until it is done.
    Task<TlsConnect::Outcome> run(const UpstreamTls::Goal& goal, std::string_view address, uint64_t limit_ms);
    void cancel();

 private:
    Task<TlsConnect::Outcome> show_certificate(TlsClient& tls, const UpstreamTls::Goal& goal);

    Loop& loop_;
    TlsClientSessions& sessions_;
    Stream& stream_;
    TlsConnect connect_;
    bool cancelled_ = false;
};

// --- rows

namespace upstream_tls {

void set_certificate(UpstreamTls& tls, conf::Binding& binding);
void set_certificate_key(UpstreamTls& tls, conf::Binding& binding);
void set_cache(UpstreamTls& tls, conf::Binding& binding);
void set_password_file(UpstreamTls& tls, conf::Binding& binding);
void add_command(UpstreamTls& tls, conf::Binding& binding);
void set_name(UpstreamTls& tls, conf::Binding& binding);
void set_key_log(UpstreamTls& tls, conf::Binding& binding);

template <size_t bytes>
struct FixedText {
    char text[bytes]{};
    constexpr FixedText(const char (&from)[bytes]) { std::copy(from, from + bytes, text); }
};

// The name of a directive, which lasts for ever.
template <FixedText prefix, FixedText rest>
struct Name {
    static constexpr auto storage = [] {
        std::array<char, sizeof prefix.text + sizeof rest.text - 2> joined{};
        auto* end = std::copy(prefix.text, prefix.text + sizeof prefix.text - 1, joined.begin());
        std::copy(rest.text, rest.text + sizeof rest.text - 1, end);
        return joined;
    }();
    static constexpr std::string_view text{storage.data(), storage.size()};
};

// The rows of directives that begin with `prefix`, for settings that have the UpstreamTls as `member`.
template <auto member, FixedText prefix>
constexpr auto rows() {
    constexpr auto anywhere = conf::http | conf::server | conf::location;
    std::array all = {
        conf::custom<&set_certificate>(Name<prefix, "certificate">::text, anywhere, {1, 1},
                                       "Our certificate, for servers that ask for one, PEM.")
            .shown_as("file"),
        conf::custom<&set_certificate_key>(Name<prefix, "certificate_key">::text, anywhere, {1, 1},
                                           "The key of our certificate, PEM.")
            .shown_as("file"),
        conf::custom<&set_cache>(Name<prefix, "certificate_cache">::text, anywhere, {1, 3},
                                 "How many certificates whose names have variables are kept.")
            .shown_as("off | max=number [inactive=time] [valid=time]"),
        conf::custom<&set_password_file>(Name<prefix, "password_file">::text, anywhere, {1, 1},
                                         "Passwords of keys, one in each line.")
            .shown_as("file"),
        conf::value<&UpstreamTls::protocols>(Name<prefix, "protocols">::text, anywhere,
                                             "The versions of TLS that servers are spoken to in."),
        conf::value<&UpstreamTls::ciphers>(Name<prefix, "ciphers">::text, anywhere,
                                           "The ciphers before TLS 1.3, in OpenSSL's words.")
            .shown_as("ciphers"),
        conf::custom<&add_command>(Name<prefix, "conf_command">::text, anywhere, {2, 2},
                                   "A command to OpenSSL's configuration.")
            .shown_as("name value"),
        conf::value<&UpstreamTls::verify>(Name<prefix, "verify">::text, anywhere,
                                          "Whether servers have to prove who they are."),
        conf::value<&UpstreamTls::verify_depth>(Name<prefix, "verify_depth">::text, anywhere,
                                                "The most certificates between server and root."),
        conf::value<&UpstreamTls::trusted_certificate>(Name<prefix, "trusted_certificate">::text, anywhere,
                                                       "Who is trusted to sign certificates of servers, PEM.")
            .shown_as("file"),
        conf::value<&UpstreamTls::crl>(Name<prefix, "crl">::text, anywhere,
                                       "Which certificates of servers were revoked, PEM.")
            .shown_as("file"),
        conf::custom<&set_name>(Name<prefix, "name">::text, anywhere, {1, 1},
                                "Whom a server has to prove to be, and is asked for.")
            .shown_as("name"),
        conf::value<&UpstreamTls::server_name>(Name<prefix, "server_name">::text, anywhere,
                                               "Whether servers are told whom we ask for (SNI)."),
        conf::value<&UpstreamTls::session_reuse>(Name<prefix, "session_reuse">::text, anywhere,
                                                 "Whether sessions with servers are resumed."),
        conf::custom<&set_key_log>(Name<prefix, "key_log">::text, anywhere, {1, 1},
                                   "Where the secrets of connections are written, for those who debug.")
            .shown_as("file"),
    };
    for (conf::Directive& row : all) row = row.template within<member>();
    return all;
}

}  // namespace upstream_tls
}  // namespace ringx::http

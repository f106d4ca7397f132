// modules/ssl/module.cc - what configurations say about TLS although no address of theirs has it.
//
// Distributions choose protocols in the http block of every server. Such a line is checked, and has no effect as long
// as a `listen … ssl` is refused.
#include "conf/directive.h"
#include "http/module.h"

namespace ringx::http {
namespace {

enum class Protocol : uint8_t { sslv2, sslv3, tlsv1, tlsv1_1, tlsv1_2, tlsv1_3 };

constexpr std::array<conf::Choice<Protocol>, 6> choices(Protocol) {
    return {{{"SSLv2", Protocol::sslv2},
             {"SSLv3", Protocol::sslv3},
             {"TLSv1", Protocol::tlsv1},
             {"TLSv1.1", Protocol::tlsv1_1},
             {"TLSv1.2", Protocol::tlsv1_2},
             {"TLSv1.3", Protocol::tlsv1_3}}};
}

struct Settings {
    Setting<conf::Flags<Protocol>> protocols;
    Setting<bool> prefer_server_ciphers{false};
};

constinit conf::Slot<Settings> settings;

constexpr auto servers = conf::http | conf::server;

constexpr conf::Directive directives[] = {
    conf::value<&Settings::protocols>("ssl_protocols", servers, "The versions of TLS.").without_effect(),
    conf::value<&Settings::prefer_server_ciphers>("ssl_prefer_server_ciphers", servers,
                                                  "Whether the server's order of ciphers counts, or the client's.")
        .without_effect(),
};

}  // namespace

extern constinit const Module ssl_module = {
    .name = "ssl",
    .directives = directives,
    .settings = &settings,
    .applies = [](const conf::Block&) { return false; },
};

}  // namespace ringx::http

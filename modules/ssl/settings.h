// modules/ssl/settings.h - what the directives of TLS gather, and how a server's context is made of it.
//
// Files are read while the configuration is, by the master; their bytes travel with it to the workers. What a server
// does not say it takes from the http block, lists as a whole.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/directive.h"
#include "conf/slot.h"
#include "http/tls_directives.h"
#include "net/tls_context.h"

namespace ringx {

constexpr std::array<conf::Choice<VerifyClient>, 4> choices(VerifyClient) {
    return {{{"off", VerifyClient::off},
             {"on", VerifyClient::on},
             {"optional", VerifyClient::optional},
             {"optional_no_ca", VerifyClient::optional_no_ca}}};
}

using Elsewhere = TlsSettings::Elsewhere;
constexpr std::array<conf::Choice<Elsewhere>, 3> choices(Elsewhere) {
    return {{{"off", Elsewhere::never}, {"auto", Elsewhere::when_slow}, {"on", Elsewhere::always}}};
}

}  // namespace ringx

namespace ringx::http::ssl {

enum class ClientOcsp : uint8_t { off, on, leaf };
constexpr std::array<conf::Choice<ClientOcsp>, 3> choices(ClientOcsp) {
    return {{{"off", ClientOcsp::off}, {"on", ClientOcsp::on}, {"leaf", ClientOcsp::leaf}}};
}

using Words = std::vector<conf::Word>;
using CertificateNameList = std::vector<CertificateName>;

// What ssl_session_cache says, except for zones.
struct LocalCache {
    enum class Kind : uint8_t { none, off, builtin, unused };  // unused: there is a zone instead
    Kind kind = Kind::none;
    int64_t sessions_max = -1;  // 0: any number; -1: OpenSSL's default
};

struct Settings {
    // A server's context depends on its names and addresses.
    static constexpr conf::Context of_each = conf::server;

    Setting<CertificateNameList> certificates;
    Setting<CertificateNameList> certificate_keys;
    Setting<std::shared_ptr<CertificateCache>> certificate_cache;  // null: none
    Setting<std::vector<std::string_view>> passwords;
    Setting<bool> reject_handshake{false};

    Setting<conf::Flags<TlsProtocol>> protocols{{TlsProtocol::tlsv1_2, TlsProtocol::tlsv1_3}};
    // Only what is forward secret and authenticated, which all clients of the last ten years have; in this order,
    // unless ciphers or whose order counts are said.
    Setting<std::string_view> ciphers{"ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20"};
    Setting<bool> prefer_server_ciphers{false};
    Setting<std::string_view> curves{"auto"};
    Setting<std::string_view> dhparam;
    Setting<std::vector<TlsCommand>> commands;
    Setting<conf::Size> buffer_size;  // 0: by how much is sent

    Setting<VerifyClient> verify{VerifyClient::off};
    Setting<uint32_t> verify_depth{1};
    Setting<std::string_view> client_certificate;
    Setting<std::string_view> trusted_certificate;
    Setting<std::string_view> crl;

    Setting<ClientOcsp> client_ocsp{ClientOcsp::off};
    Setting<std::string_view> client_ocsp_responder;
    Setting<NamedZone*> client_ocsp_cache{nullptr};

    Setting<bool> stapling{false};
    Setting<std::string_view> stapling_file;
    Setting<std::string_view> stapling_responder;
    Setting<bool> stapling_verify{false};

    Setting<bool> early_data{false};
    Setting<TlsSettings::Elsewhere> async_threads{TlsSettings::Elsewhere::when_slow};
    Setting<bool> in_kernel{false};

    Setting<std::chrono::seconds> session_timeout{std::chrono::minutes(5)};
    Setting<bool> session_tickets{true};
    Setting<Words> ticket_keys;
    Setting<LocalCache> local_cache;
    Setting<NamedZone*> shared_cache;

    void complete(conf::Completion& completion);
};

extern constinit conf::Slot<Settings> settings;

}  // namespace ringx::http::ssl

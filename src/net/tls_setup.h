// net/tls_setup.h - steps of making OpenSSL's contexts that are the same for servers and clients.
//
// What is wrong with a setting comes back as a sentence in nginx's words.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "net/tls_context.h"

namespace ringx::tls_setup {

using Done = std::expected<void, std::string>;
using Command = std::pair<std::string_view, std::string_view>;

// "CALL failed (SSL: …)"
std::unexpected<std::string> refuse(std::string_view call);

std::expected<OwnedSslCtx, std::string> make_ssl_ctx(const SSL_METHOD* method);

// Only these, whatever the system's policy says; bits by TlsProtocol.
void allow_protocols(SSL_CTX* ctx, uint32_t protocols);
Done set_ciphers(SSL_CTX* ctx, std::string_view ciphers);

struct ShownCertificate {
    OwnedX509 certificate;
    OwnedKey key;
};
std::expected<ShownCertificate, std::string> show_certificate(SSL_CTX* ctx, const TlsCertificate& pair,
                                                              std::span<const std::string_view> passwords);
// Signing with it takes milliseconds.
bool signs_slowly(const EVP_PKEY* key);

// What the other side shows is judged afterwards, so that what is wrong gets a sentence.
void ask_for_certificate(SSL_CTX* ctx);
Done trust(SSL_CTX* ctx, const TlsFile& certificates, bool are_told = false);
Done refuse_revoked(SSL_CTX* ctx, const TlsFile& lists);

// `side` is SSL_CONF_FLAG_SERVER or SSL_CONF_FLAG_CLIENT.
Done run_commands(SSL_CTX* ctx, std::span<const Command> commands, unsigned int side);

// As in the protocol (RFC 7301 section 3.1).
std::string alpn_list(std::span<const std::string_view> protocols);

}  // namespace ringx::tls_setup

#include "net/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "base/check.h"
#include "base/format.h"

namespace ringx {
namespace {

// A server that asks for answers (new keys) without end and does not read them is left. What we send ourselves waits
// here, too, but never as much.
constexpr size_t unsent_bytes_max = 256 * 1024;

// "::1" of "[::1]".
std::string_view without_brackets(std::string_view name) {
    if (!name.starts_with('[') || !name.ends_with(']')) return name;
    return name.substr(1, name.size() - 2);
}

bool is_address(const std::string& name) {
    unsigned char storage[sizeof(in6_addr)];
    return inet_pton(AF_INET, name.c_str(), storage) == 1 || inet_pton(AF_INET6, name.c_str(), storage) == 1;
}

}  // namespace

TlsClient::TlsClient(std::shared_ptr<const TlsClientContext> context, TlsClientSessions& sessions, int socket,
                     std::string_view name, std::string_view address)
    : TlsChannel(context->ssl_ctx(), socket),
      context_(std::move(context)),
      sessions_(sessions),
      name_(without_brackets(name)),
      is_slow_(context_->is_slow()) {
    SSL_set_connect_state(ssl_.get());
    // Addresses are no names (RFC 6066 section 3), nor is what is too long or holds a zero byte.
    bool is_name = !name_.empty() && !is_address(name_) && name_.find('\0') == name_.npos;
    bool is_told = context_->tells_name() && is_name;
    if (is_told && SSL_set_tlsext_host_name(ssl_.get(), name_.c_str()) != 1) ERR_clear_error();
    if (!context_->reuses_sessions()) return;
    session_key_ = text::format("{}{}\n{}", context_->identity(), name_, address);
    OwnedSession known = sessions_.take(session_key_, time(nullptr));
    if (known != nullptr && SSL_set_session(ssl_.get(), known.get()) != 1) ERR_clear_error();
}

// OpenSSL may ask the context until then.
TlsClient::~TlsClient() {
    end_openssl();
    write_key_log();
}

TlsClient::Progress TlsClient::shake_hands() {
    ERR_clear_error();
    return do_handshake();
}

// nginx looks for host names only; certificates for addresses name these in another way (RFC 5280 section 4.2.1.6).
bool TlsClient::has_name() const {
    X509* certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr || name_.empty()) return false;
    if (X509_check_host(certificate, name_.data(), name_.size(), 0, nullptr) == 1) return true;
    return is_address(name_) && X509_check_ip_asc(certificate, name_.c_str(), 0) == 1;
}

std::expected<void, std::string> TlsClient::settle() {
    CHECK(!is_settled_);
    is_settled_ = true;
    write_key_log();
    if (context_->verifies()) {
        long result = SSL_get_verify_result(ssl_.get());
        if (result != X509_V_OK) {
            return std::unexpected(text::format("upstream SSL certificate verify error: ({}:{})", result,
                                                X509_verify_cert_error_string(result)));
        }
        bool is_right = has_name();
        ERR_clear_error();
        if (!is_right) {
            return std::unexpected(text::format("upstream SSL certificate does not match \"{}\"", name_));
        }
    }
    if (early_session_ != nullptr) sessions_.keep(session_key_, std::move(early_session_));
    return {};
}

ReceiveFilter::State TlsClient::state() {
    size_t unsent = unsent_.size();
    TlsChannel::state();
    bool floods = unsent_.size() > unsent && unsent_.size() > unsent_bytes_max;
    if (floods && state_ == State::hungry) {
        ERR_raise(ERR_LIB_SSL, SSL_R_TOO_MANY_KEY_UPDATES);
        fault_ = take_openssl_errors();
        state_ = State::ready;
    }
    return state_;
}

// 1: it is ours now.
int TlsClient::note_session(SSL* ssl, SSL_SESSION* session) {
    TlsClient& tls = of(ssl);
    OwnedSession given(session);
    if (tls.is_settled_) tls.sessions_.keep(tls.session_key_, std::move(given));
    else tls.early_session_ = std::move(given);
    return 1;
}

void TlsClient::note_secret(const SSL* ssl, const char* line) { of(ssl).secrets_.append(line) += '\n'; }

// From the loop's thread, whichever the handshake was done on. A log that cannot be written is none of the connection's
// business.
void TlsClient::write_key_log() {
    if (!secrets_.empty()) (void)context_->key_log()->write(std::exchange(secrets_, {}));
}

std::string_view tls_name_of(std::string_view host) {
    size_t bracket = host.starts_with('[') ? host.find(']') : std::string_view::npos;
    size_t from = bracket == std::string_view::npos ? 0 : bracket;
    return host.substr(0, host.find(':', from));
}

}  // namespace ringx

#include "net/tls_metrics.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace ringx {

void TlsMetrics::add(const TlsMetrics& other, bool) {
    for (size_t i = 0; i < versions; ++i) handshakes[i].add(other.handshakes[i].value());
    resumptions.add(other.resumptions.value());
    for (size_t i = 0; i < reasons; ++i) failures[i].add(other.failures[i].value());
    duration_us.add(other.duration_us);
}

void TlsMetrics::count(int version, bool is_resumed, uint64_t us) {
    bool is_known = version >= TLS1_VERSION && version <= TLS1_3_VERSION;
    handshakes[is_known ? static_cast<size_t>(version - TLS1_VERSION) : versions - 1].add(1);
    if (is_resumed) resumptions.add(1);
    duration_us.add(us);
}

TlsFailure tls_failure(unsigned long openssl_error) {
    if (ERR_GET_LIB(openssl_error) != ERR_LIB_SSL) return TlsFailure::other;
    int reason = ERR_GET_REASON(openssl_error);
    switch (reason) {
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_VERSION_TOO_LOW:
        case SSL_R_NO_PROTOCOLS_AVAILABLE: return TlsFailure::no_common_protocol;
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_NO_SUITABLE_KEY_SHARE:
        case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM: return TlsFailure::no_common_cipher;
        case SSL_R_CALLBACK_FAILED: return TlsFailure::refused;
        default: break;
    }
    // The client's alerts.
    return reason >= SSL_AD_REASON_OFFSET ? TlsFailure::client_refused : TlsFailure::other;
}

}  // namespace ringx

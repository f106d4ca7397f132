#include "http/tls_report.h"

#include <iterator>

namespace ringx::http {
namespace {

using enum Figure::Type;

constexpr Figure handshakes{"handshakes", "handshakes_total", counter, "Handshakes with clients, by version of TLS."};
constexpr Figure resumptions{"resumptions", "resumptions_total", counter, "Handshakes that went on with a session."};
constexpr Figure failures{"handshake_failures", "handshake_failures_total", counter,
                          "Handshakes that failed, by reason."};
constexpr Figure duration{"handshake_seconds", "handshake_duration_seconds", counter,
                          "From a whole ClientHello to the end of the handshake."};

constexpr std::string_view version_names[] = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "other"};
static_assert(std::size(version_names) == TlsMetrics::versions);

constexpr std::string_view reason_names[] = {
    "no_common_protocol", "no_common_cipher", "client_refused", "refused", "closed", "timed_out", "other",
};
static_assert(std::size(reason_names) == TlsMetrics::reasons);

}  // namespace

void tell_tls(Report& report, const TlsMetrics& metrics) {
    for (size_t i = 0; i < TlsMetrics::versions; ++i) {
        report.part(handshakes, "version", version_names[i], metrics.handshakes[i].value());
    }
    report.value(resumptions, metrics.resumptions.value());
    for (size_t i = 0; i < TlsMetrics::reasons; ++i) {
        report.part(failures, "reason", reason_names[i], metrics.failures[i].value());
    }
    report.seconds(duration, metrics.duration_us);
}

}  // namespace ringx::http

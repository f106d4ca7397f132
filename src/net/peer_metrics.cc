#include "net/peer_metrics.h"

#include "base/format.h"

namespace ringx {

void PeerMetrics::add(const PeerMetrics& other, bool) {
    requests.add(other.requests.value());
    for (size_t i = 0; i < responses.size(); ++i) responses[i].add(other.responses[i].value());
    failed.add(other.failed.value());
    retries.add(other.retries.value());
    received_bytes.add(other.received_bytes.value());
    sent_bytes.add(other.sent_bytes.value());
    checks.add(other.checks.value());
    failed_checks.add(other.failed_checks.value());
    connect_us.add(other.connect_us);
    header_us.add(other.header_us);
    response_us.add(other.response_us);
}

std::string PeerMetrics::name(std::string_view group, std::string_view address) {
    return text::format("{}\n{}", group, address);
}

}  // namespace ringx

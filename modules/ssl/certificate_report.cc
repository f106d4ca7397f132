#include "modules/ssl/certificate_report.h"

#include <algorithm>
#include <set>
#include <utility>

#include "http/site.h"
#include "net/tls_context.h"

namespace ringx::http::ssl {
namespace {

constexpr Section section{"certificates", "certificate_", "file"};
constexpr Figure ends{"expiry_timestamp_seconds", "expiry_timestamp_seconds", Figure::Type::gauge,
                      "When the certificate ends, in seconds since 1970."};

}  // namespace

// Servers of one name may have one certificate, such as that of two addresses.
void tell_certificates(Report& report, Request& request) {
    std::set<std::pair<std::string_view, std::string_view>> told;
    report.begin(section);
    for (const auto& server : request.server->site.servers()) {
        if (server->settings->tls == nullptr) continue;
        std::string_view name = server->settings->first_name;
        for (const TlsContext::Certificate& certificate : server->settings->tls->certificates()) {
            if (!told.emplace(name, certificate.file).second) continue;
            report.owned_thing("server", name, certificate.file);
            report.value(ends, static_cast<uint64_t>(std::max<int64_t>(certificate.ends, 0)));
        }
    }
    report.end();
}

}  // namespace ringx::http::ssl

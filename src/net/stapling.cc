#include "net/stapling.h"

#include <openssl/err.h>

#include "base/format.h"
#include "net/tls_context.h"

namespace ringx {

std::expected<Stapling, std::string> Stapling::of_file(const X509& certificate, const TlsFile& response) {
    ERR_clear_error();
    const auto* at = reinterpret_cast<const unsigned char*>(response.bytes.data());
    OwnedOcspResponse parsed(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(response.bytes.size())));
    if (parsed == nullptr) {
        std::string errors = take_openssl_errors();
        return std::unexpected(text::format("d2i_OCSP_RESPONSE_bio(\"{}\") failed{}", response.name, errors));
    }
    Stapling stapling(certificate);
    stapling.fixed_ = response.bytes.substr(0, static_cast<size_t>(reinterpret_cast<const char*>(at) -
                                                                  response.bytes.data()));
    return stapling;
}

std::string Stapling::response() const { return fixed_; }

}  // namespace ringx

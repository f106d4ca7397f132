// net/stapling.h - the proof that a server's certificate was not revoked, which clients may ask for in the handshake
// (RFC 6066 section 8): taken from a file, or asked for by the workers and kept where all of them find it.
//
// What a handshake can show is there, or it shows nothing: it never waits. net/stapler.h sees to it that it is there.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/ocsp.h"
#include "net/zones.h"

namespace ringx {

struct TlsFile;

// What is stapled to one certificate.
class Stapling {
 public:
    // One response for good, of a file (DER). Fails in words.
    static std::expected<Stapling, std::string> of_file(const X509& certificate, const TlsFile& response);

    // The certificate it is for.
    bool is_for(const X509* certificate) const { return certificate_ == certificate; }
    // The response to show now; empty when there is none. On any thread.
    std::string response() const;

 private:
    explicit Stapling(const X509& certificate) : certificate_(&certificate) {}

    const X509* certificate_;  // the SSL_CTX owns it
    std::string fixed_;        // the file's
};

}  // namespace ringx

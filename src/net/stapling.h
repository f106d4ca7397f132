// net/stapling.h - the proof that a server's certificate was not revoked, which clients may ask for in the handshake
// (RFC 6066 section 8): taken from a file, or asked for by the workers and kept where all of them find it.
//
// A handshake shows what is there, or nothing: it never waits. net/stapler.h sees to it that something is there.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/ocsp.h"
#include "net/zones.h"

namespace ringx {

struct ResolverRules;
struct TlsFile;

// Where a response is asked for.
struct StaplingSource {
    OcspQuestion question;
    OcspResponder responder;
    OcspTrust trust;
    std::string certificate;  // its file
    std::string key;          // of the response, among others; equal where everything that matters is
    std::shared_ptr<const NamedZone> zone;
    std::shared_ptr<const ResolverRules> names;  // null: as the system looks them up
};

// What rules all certificates of a server.
struct StaplingRules {
    std::string_view responder;  // a URL; empty: the one that the certificate names
    bool verify = false;         // the signer's own certificate, too
    std::string_view trusted;    // what the roots were made of
    std::shared_ptr<const NamedZone> zone;
    std::shared_ptr<const ResolverRules> names;  // null: as the system looks them up
};

// What is stapled to one certificate.
class Stapling {
 public:
    using Made = std::expected<Stapling, std::string>;

    // One response for good, of a file (DER). Fails with a mistake.
    static Made of_file(const X509& certificate, const TlsFile& response);
    // Of a responder. `chain` may be null. Fails with a warning: then nothing is stapled.
    static Made of_responder(const X509& certificate, std::string_view name, const STACK_OF(X509) * chain,
                             X509_STORE& roots, const StaplingRules& rules);

    // The certificate it is for.
    bool is_for(const X509* certificate) const { return certificate_ == certificate; }
    // The response to show now; empty when there is none. On any thread.
    std::string response() const;
    // Null: there is nobody to be asked.
    const StaplingSource* source() const { return source_.get(); }

 private:
    explicit Stapling(const X509& certificate) : certificate_(&certificate) {}

    const X509* certificate_;  // the SSL_CTX owns it
    std::string fixed_;        // the file's
    std::unique_ptr<const StaplingSource> source_;
};

}  // namespace ringx

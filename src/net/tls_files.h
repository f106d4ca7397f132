// net/tls_files.h - certificates, keys and lists of revoked ones, read from the bytes of PEM files.
//
// Nothing here opens a file: the master has read them, and workers get their bytes. Errors are sentences in nginx's
// words: cannot load certificate "NAME": CALL failed (SSL: …).
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls_context.h"

namespace ringx {

// The first certificate, and those behind it; at least one.
struct CertificateChain {
    OwnedX509 certificate;
    OwnedChain rest;
};
std::expected<CertificateChain, std::string> read_certificate_chain(const TlsFile& file);

std::expected<OwnedKey, std::string> read_private_key(const TlsFile& file, std::span<const std::string_view> passwords);

// All certificates of a file; at least one.
std::expected<std::vector<OwnedX509>, std::string> read_certificates(const TlsFile& file);

// All lists of revoked certificates in a file; at least one.
std::expected<std::vector<OwnedCrl>, std::string> read_crls(const TlsFile& file);

std::expected<OwnedKey, std::string> read_dh_parameters(const TlsFile& file);

}  // namespace ringx

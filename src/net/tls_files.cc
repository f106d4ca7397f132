#include "net/tls_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/check.h"
#include "base/format.h"

namespace ringx {
namespace {

std::unexpected<std::string> refuse(std::string_view what, const TlsFile& file, std::string_view call) {
    std::string errors = take_openssl_errors();
    return std::unexpected(text::format("cannot load {} \"{}\": {} failed{}", what, file.name, call, errors));
}

// A PEM file has come to its end when nothing begins any more; what else stopped the reading is a fault.
bool is_at_end() {
    unsigned long error = ERR_peek_last_error();
    if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) return false;
    ERR_clear_error();
    return true;
}

// Whether a password was asked for, and the one to give.
struct Password {
    std::string_view text;
    bool asked = false;
};

int give_password(char* buffer, int size, int, void* context) {
    auto& password = *static_cast<Password*>(context);
    password.asked = true;
    return static_cast<int>(password.text.copy(buffer, static_cast<size_t>(size)));
}

template <typename Owned, typename Read>
std::expected<std::vector<Owned>, std::string> read_all(const TlsFile& file, Read read, std::string_view what,
                                                        std::string_view call) {
    OwnedBio bio = memory_bio(file.bytes);
    std::vector<Owned> all;
    while (auto* one = read(bio.get(), nullptr, nullptr, nullptr)) all.emplace_back(one);
    if (all.empty() || !is_at_end()) return refuse(what, file, call);
    return all;
}

}  // namespace

std::expected<CertificateChain, std::string> read_certificate_chain(const TlsFile& file) {
    constexpr std::string_view what = "certificate";
    OwnedBio bio = memory_bio(file.bytes);
    CertificateChain chain;
    chain.certificate.reset(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (chain.certificate == nullptr) return refuse(what, file, "PEM_read_bio_X509_AUX()");
    chain.rest.reset(sk_X509_new_null());
    CHECK(chain.rest != nullptr);
    while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) sk_X509_push(chain.rest.get(), one);
    if (!is_at_end()) return refuse(what, file, "PEM_read_bio_X509()");
    return chain;
}

std::expected<OwnedKey, std::string> read_private_key(const TlsFile& file,
                                                      std::span<const std::string_view> passwords) {
    for (size_t tries = 0;; ++tries) {
        Password password;
        if (tries < passwords.size()) password.text = passwords[tries];
        OwnedBio bio = memory_bio(file.bytes);
        OwnedKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_password, &password));
        if (key != nullptr) return key;
        if (password.asked && tries + 1 < passwords.size()) {
            ERR_clear_error();
            continue;
        }
        return refuse("certificate key", file, "PEM_read_bio_PrivateKey()");
    }
}

std::expected<std::vector<OwnedX509>, std::string> read_certificates(const TlsFile& file) {
    return read_all<OwnedX509>(file, PEM_read_bio_X509, "certificate", "PEM_read_bio_X509()");
}

std::expected<std::vector<OwnedCrl>, std::string> read_crls(const TlsFile& file) {
    return read_all<OwnedCrl>(file, PEM_read_bio_X509_CRL, "revocation list", "PEM_read_bio_X509_CRL()");
}

std::expected<OwnedKey, std::string> read_dh_parameters(const TlsFile& file) {
    OwnedBio bio = memory_bio(file.bytes);
    OwnedKey parameters(PEM_read_bio_Parameters(bio.get(), nullptr));
    if (parameters == nullptr) return refuse("DH parameters", file, "PEM_read_bio_Parameters()");
    return parameters;
}

}  // namespace ringx

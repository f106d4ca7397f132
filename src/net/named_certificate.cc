#include "net/named_certificate.h"

#include <fcntl.h>
#include <openssl/err.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/log.h"
#include "base/undumped.h"

namespace ringx {
namespace {

std::string complaint(std::string_view what, std::string_view name, const Error& error) {
    return text::format("cannot load {} \"{}\": {}() failed ({})", what, name, error.call, describe(error));
}

// How messages call it: a key must not be shown.
std::string_view shown(std::string_view name) {
    return CertificateNames::is_data(name) ? CertificateNames::data_prefix : name;
}

std::unexpected<std::string> refuse(std::string_view call, std::string_view name) {
    std::string errors = take_openssl_errors();
    return std::unexpected(text::format("{}(\"{}\") failed{}", call, shown(name), errors));
}

}  // namespace

// What was read, and of which file.
struct NamedCertificate::Content {
    Undumped bytes;
    Mark mark;
};

NamedCertificate::Mark::Mark(const struct stat& status)
    : device(status.st_dev),
      inode(status.st_ino),
      seconds(status.st_ctim.tv_sec),
      nanoseconds(status.st_ctim.tv_nsec) {}

Result<NamedCertificate::Content> NamedCertificate::read(const std::string& name) {
    if (CertificateNames::is_data(name)) {
        return Content{Undumped(std::string_view(name).substr(CertificateNames::data_prefix.size())), {}};
    }
    if (name.find('\0') != name.npos) return fail("open", EINVAL);
    Fd file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file) return fail("open");
    struct stat status;
    if (fstat(file.get(), &status) != 0) return fail("fstat");
    if (!S_ISREG(status.st_mode)) return fail("open", S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
    auto bytes = static_cast<size_t>(status.st_size);
    if (bytes > file_bytes_max) return fail("read", EFBIG);
    Content content{Undumped(bytes), Mark(status)};
    for (size_t size = 0; size < bytes;) {
        ssize_t got = ::read(file.get(), content.bytes.data() + size, bytes - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail("read");
        if (got == 0) return fail("read", ENODATA);  // it has become shorter
        size += static_cast<size_t>(got);
    }
    return content;
}

NamedCertificate::Loaded NamedCertificate::load(const CertificateNames& names,
                                                  std::span<const std::string_view> passwords) {
    auto made = std::make_shared<NamedCertificate>();
    Result<Content> chain = read(names.chain);
    if (!chain) return std::unexpected(complaint("certificate", shown(names.chain), chain.error()));
    Result<Content> key = read(names.key);
    if (!key) return std::unexpected(complaint("certificate key", shown(names.key), key.error()));

    ERR_clear_error();
    auto parsed = read_certificate_chain({std::string(shown(names.chain)), chain->bytes.view()});
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    auto parsed_key = read_private_key({std::string(shown(names.key)), key->bytes.view()}, passwords);
    if (!parsed_key) return std::unexpected(std::move(parsed_key.error()));
    if (X509_check_private_key(parsed->certificate.get(), parsed_key->get()) != 1) {
        return refuse("X509_check_private_key", names.key);
    }
    made->chain_ = std::move(*parsed);
    made->key_ = std::move(*parsed_key);
    made->chain_mark_ = chain->mark;
    made->key_mark_ = key->mark;
    return made;
}

bool NamedCertificate::is_at(const std::string& path, const Mark& mark) {
    struct stat status;
    return stat(path.c_str(), &status) == 0 && Mark(status) == mark;
}

bool NamedCertificate::is_current(const CertificateNames& names) const {
    return is_at(names.chain, chain_mark_) && is_at(names.key, key_mark_);
}

std::expected<void, std::string> NamedCertificate::show(SSL* ssl, const CertificateNames& names) const {
    ERR_clear_error();
    if (SSL_use_certificate(ssl, chain_.certificate.get()) != 1) return refuse("SSL_use_certificate", names.chain);
    if (SSL_set1_chain(ssl, chain_.rest.get()) != 1) return refuse("SSL_set1_chain", names.chain);
    if (SSL_use_PrivateKey(ssl, key_.get()) != 1) return refuse("SSL_use_PrivateKey", names.key);
    return {};
}

}  // namespace ringx

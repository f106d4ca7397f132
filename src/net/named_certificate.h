// net/named_certificate.h - a certificate of ours and its key that are read when a handshake needs them: as a server,
// or as a client of upstream servers.
//
// Their names have variables, so the master could not read them: the worker does, with its own rights, on a thread of
// the pool. Of a file no more is read than a certificate can be, and nothing is waited for that is no regular file.
#pragma once

#include <sys/stat.h>

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/tls_files.h"

namespace ringx {

// Absolute paths, or "data:" and what would be in the file.
struct CertificateNames {
    std::string chain;
    std::string key;

    bool are_files() const { return !is_data(chain) && !is_data(key); }

    static bool is_data(std::string_view name) { return name.starts_with(data_prefix); }
    static constexpr std::string_view data_prefix = "data:";
};

class NamedCertificate {
 public:
    static constexpr size_t file_bytes_max = size_t{1} << 20;

    // On any thread. What is wrong is a sentence in nginx's words: cannot load certificate "NAME": …
    using Loaded = std::expected<std::shared_ptr<const NamedCertificate>, std::string>;
    static Loaded load(const CertificateNames& names, std::span<const std::string_view> passwords);

    // Whether its files are what they were when they were read. On any thread.
    bool is_current(const CertificateNames& names) const;

    // Makes a connection show it. REQUIRES: its handshake has not begun.
    std::expected<void, std::string> show(SSL* ssl, const CertificateNames& names) const;

    const EVP_PKEY* key() const { return key_.get(); }

 private:
    // What tells a file from the one that stood there before: whatever changes it changes st_ctim.
    struct Mark {
        dev_t device = 0;
        ino_t inode = 0;
        int64_t seconds = 0, nanoseconds = 0;

        explicit Mark(const struct stat& status);
        Mark() = default;
        bool operator==(const Mark&) const = default;
    };
    struct Content;

    static Result<Content> read(const std::string& name);
    static bool is_at(const std::string& path, const Mark& mark);

    CertificateChain chain_;
    OwnedKey key_;
    Mark chain_mark_, key_mark_;
};

}  // namespace ringx

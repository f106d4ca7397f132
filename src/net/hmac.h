// net/hmac.h - HMAC (RFC 2104), and what TLS derives keys with: HKDF (RFC 5869), and the PRF of TLS 1.2.
//
// Of short texts, many with one key. The hash is OpenSSL's and is looked up once: EVP_MAC(3) looks up and allocates so
// much for each key that it takes three times as long.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "net/openssl.h"

namespace ringx {

using Bytes = std::span<const unsigned char>;
inline Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

// Those of all ciphers that are AEADs.
enum class Hash : uint8_t { sha256, sha384 };

constexpr size_t hash_bytes_max = 48;
constexpr size_t bytes_of(Hash hash) { return hash == Hash::sha256 ? 32 : hash_bytes_max; }
const EVP_MD* digest_of(Hash hash);
// By any of its names; nothing when it is another one.
std::optional<Hash> hash_by_name(const char* name);
// For SHA-256 and SHA-384.
Hash hash_like(const EVP_MD* digest);

class Hmac {
 public:
    Hmac(Hash hash, Bytes key);
    Hmac(const Hmac&) = delete;
    Hmac& operator=(const Hmac&) = delete;
    ~Hmac();

    // Of these parts, one behind the other; at `to` there is room for bytes_of(hash).
    void sign(std::initializer_list<Bytes> parts, unsigned char* to);

 private:
    static constexpr size_t block_bytes_max = 128;

    void digest(unsigned char pad, std::initializer_list<Bytes> parts, unsigned char* to);

    std::unique_ptr<EVP_MD_CTX, FreedBy<EVP_MD_CTX_free>> context_;
    Hash hash_;
    unsigned char key_[block_bytes_max];
};

// RFC 5869 section 2.2.
void hkdf_extract(Hash hash, Bytes salt, Bytes secret, unsigned char* to);
// HKDF-Expand-Label (RFC 8446 section 7.1), for no more than one block of the hash. `label` with its prefix.
void hkdf_expand_label(Hmac& secret, std::string_view label, Bytes context, std::span<unsigned char> to);
// RFC 5246 section 5.
void tls_1_2_prf(Hash hash, Bytes secret, Bytes label_and_seed, std::span<unsigned char> to);

}  // namespace ringx

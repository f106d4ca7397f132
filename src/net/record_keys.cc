#include "net/record_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "net/openssl.h"

namespace ringx {
namespace {

using OwnedKdfContext = std::unique_ptr<EVP_KDF_CTX, FreedBy<EVP_KDF_CTX_free>>;

std::optional<Aead> aead_of(const SSL_CIPHER* cipher) {
    switch (SSL_CIPHER_get_cipher_nid(cipher)) {
        case NID_aes_128_gcm: return Aead::aes_128_gcm;
        case NID_aes_256_gcm: return Aead::aes_256_gcm;
        case NID_chacha20_poly1305: return Aead::chacha20_poly1305;
        default: return std::nullopt;
    }
}

// HKDF-Expand-Label (RFC 8446 section 7.1) without a context, for no more than one block of the hash.
void expand(const EVP_MD* hash, std::span<const unsigned char> secret, std::string_view label,
            std::span<unsigned char> to) {
    unsigned char info[32];
    unsigned char* end = info;
    *end++ = static_cast<unsigned char>(to.size() >> 8);
    *end++ = static_cast<unsigned char>(to.size());
    constexpr std::string_view prefix = "tls13 ";
    *end++ = static_cast<unsigned char>(prefix.size() + label.size());
    end = std::ranges::copy(prefix, end).out;
    end = std::ranges::copy(label, end).out;
    *end++ = 0;  // the length of the context
    *end++ = 1;  // the number of the block
    unsigned char block[EVP_MAX_MD_SIZE];
    unsigned int bytes = 0;
    const void* made = HMAC(hash, secret.data(), static_cast<int>(secret.size()), info,
                            static_cast<size_t>(end - info), block, &bytes);
    CHECK(made != nullptr && to.size() <= bytes);
    std::copy_n(block, to.size(), to.begin());
    OPENSSL_cleanse(block, sizeof block);
}

RecordKeys keys_of_secret(Aead aead, const EVP_MD* hash, const unsigned char* secret, uint64_t sequence) {
    RecordKeys keys{.aead = aead, .is_tls_1_3 = true, .sequence = sequence, .hash = hash};
    std::span of_hash(keys.secret.data(), static_cast<size_t>(EVP_MD_get_size(hash)));
    std::copy_n(secret, of_hash.size(), of_hash.begin());
    expand(hash, of_hash, "key", std::span(keys.key).first(keys.key_bytes()));
    expand(hash, of_hash, "iv", keys.iv);
    return keys;
}

// The key block of TLS 1.2 (RFC 5246 section 6.3): keys of both sides, then what of their nonces is not in records.
ConnectionKeys keys_of_session(SSL* ssl, Aead aead, const EVP_MD* hash) {
    unsigned char master[SSL_MAX_MASTER_KEY_LENGTH];
    constexpr size_t random_bytes = SSL3_RANDOM_SIZE;
    std::string_view label = "key expansion";
    unsigned char seed[64 + 2 * random_bytes];
    size_t master_bytes = SSL_SESSION_get_master_key(SSL_get0_session(ssl), master, sizeof master);
    size_t seed_bytes = label.copy(reinterpret_cast<char*>(seed), label.size());
    seed_bytes += SSL_get_server_random(ssl, seed + seed_bytes, random_bytes);
    seed_bytes += SSL_get_client_random(ssl, seed + seed_bytes, random_bytes);

    static EVP_KDF* const prf = EVP_KDF_fetch(nullptr, "TLS1-PRF", nullptr);
    OwnedKdfContext kdf(EVP_KDF_CTX_new(prf));
    auto* digest = const_cast<char*>(EVP_MD_get0_name(hash));
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, master_bytes),
                               OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, seed_bytes),
                               OSSL_PARAM_construct_end()};
    ConnectionKeys keys;
    for (RecordKeys* side : {&keys.read, &keys.write}) {
        side->aead = aead;
        side->sequence = 1;  // after the one that ended the handshake
    }
    size_t key_bytes = keys.read.key_bytes(), iv_bytes = keys.read.has_explicit_nonce() ? 4 : RecordKeys::iv_bytes;
    unsigned char block[2 * (RecordKeys::key_bytes_max + RecordKeys::iv_bytes)];
    CHECK(kdf != nullptr && EVP_KDF_derive(kdf.get(), block, 2 * (key_bytes + iv_bytes), parameters) == 1);
    const unsigned char* from = block;
    for (RecordKeys* side : {&keys.read, &keys.write}) {
        std::copy_n(from, key_bytes, side->key.begin());
        from += key_bytes;
    }
    for (RecordKeys* side : {&keys.read, &keys.write}) {
        std::copy_n(from, iv_bytes, side->iv.begin());
        from += iv_bytes;
    }
    OPENSSL_cleanse(master, sizeof master);
    OPENSSL_cleanse(block, sizeof block);
    return keys;
}

}  // namespace

RecordKeys::~RecordKeys() {
    OPENSSL_cleanse(key.data(), key.size());
    OPENSSL_cleanse(secret.data(), secret.size());
}

TrafficSecrets::~TrafficSecrets() {
    OPENSSL_cleanse(client.data(), client.size());
    OPENSSL_cleanse(server.data(), server.size());
}

// Looked up once: doing so takes as long as protecting a small record.
const EVP_CIPHER* RecordKeys::cipher() const {
    static const EVP_CIPHER* const ciphers[] = {EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr),
                                                EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr),
                                                EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr)};
    return ciphers[static_cast<size_t>(aead)];
}

RecordKeys RecordKeys::next() const {
    CHECK(is_tls_1_3);
    std::array<unsigned char, secret_bytes_max> following{};
    std::span of_hash(following.data(), static_cast<size_t>(EVP_MD_get_size(hash)));
    expand(hash, std::span(secret).first(of_hash.size()), "traffic upd", of_hash);
    RecordKeys keys = keys_of_secret(aead, hash, following.data(), 0);
    OPENSSL_cleanse(following.data(), following.size());
    return keys;
}

void TrafficSecrets::note(std::string_view line) {
    bool is_clients = line.starts_with("CLIENT_TRAFFIC_SECRET_0 ");
    if (!is_clients && !line.starts_with("SERVER_TRAFFIC_SECRET_0 ")) return;
    std::string_view hex = line.substr(line.rfind(' ') + 1);
    auto& secret = is_clients ? client : server;
    CHECK(hex.size() <= 2 * secret.size());
    (is_clients ? client_bytes : server_bytes) = hex.size() / 2;
    for (size_t i = 0; 2 * i < hex.size(); ++i) {
        secret[i] = static_cast<unsigned char>(OPENSSL_hexchar2int(static_cast<unsigned char>(hex[2 * i])) << 4 |
                                               OPENSSL_hexchar2int(static_cast<unsigned char>(hex[2 * i + 1])));
    }
}

std::optional<ConnectionKeys> keys_after_handshake(SSL* ssl, const TrafficSecrets& secrets, uint64_t records_sent) {
    const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
    std::optional<Aead> aead = aead_of(cipher);
    if (!aead) return std::nullopt;
    const EVP_MD* hash = SSL_CIPHER_get_handshake_digest(cipher);
    if (SSL_version(ssl) == TLS1_2_VERSION) return keys_of_session(ssl, *aead, hash);
    CHECK(SSL_version(ssl) == TLS1_3_VERSION);
    auto bytes = static_cast<size_t>(EVP_MD_get_size(hash));
    if (secrets.client_bytes != bytes || secrets.server_bytes != bytes) return std::nullopt;
    return ConnectionKeys{keys_of_secret(*aead, hash, secrets.client.data(), 0),
                          keys_of_secret(*aead, hash, secrets.server.data(), records_sent)};
}

}  // namespace ringx

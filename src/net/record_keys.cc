#include "net/record_keys.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "net/openssl.h"

namespace ringx {
namespace {

std::optional<Aead> aead_of(const SSL_CIPHER* cipher) {
    switch (SSL_CIPHER_get_cipher_nid(cipher)) {
        case NID_aes_128_gcm: return Aead::aes_128_gcm;
        case NID_aes_256_gcm: return Aead::aes_256_gcm;
        case NID_chacha20_poly1305: return Aead::chacha20_poly1305;
        default: return std::nullopt;
    }
}

RecordKeys keys_of_secret(Aead aead, Hash hash, const unsigned char* secret, uint64_t sequence) {
    RecordKeys keys{.aead = aead, .is_tls_1_3 = true, .sequence = sequence, .hash = hash};
    std::copy_n(secret, bytes_of(hash), keys.secret.begin());
    Hmac hmac(hash, {secret, bytes_of(hash)});
    hkdf_expand_label(hmac, "tls13 key", {}, std::span(keys.key).first(keys.key_bytes()));
    hkdf_expand_label(hmac, "tls13 iv", {}, keys.iv);
    return keys;
}

// Who has not seen the key block can make it again.
void make_key_block(SSL* ssl, Hash hash, std::span<unsigned char> block) {
    unsigned char master[SSL_MAX_MASTER_KEY_LENGTH];
    constexpr size_t random_bytes = SSL3_RANDOM_SIZE;
    std::string_view label = "key expansion";
    unsigned char seed[64 + 2 * random_bytes];
    size_t master_bytes = SSL_SESSION_get_master_key(SSL_get0_session(ssl), master, sizeof master);
    size_t seed_bytes = label.copy(reinterpret_cast<char*>(seed), label.size());
    seed_bytes += SSL_get_server_random(ssl, seed + seed_bytes, random_bytes);
    seed_bytes += SSL_get_client_random(ssl, seed + seed_bytes, random_bytes);
    tls_1_2_prf(hash, {master, master_bytes}, {seed, seed_bytes}, block);
    OPENSSL_cleanse(master, sizeof master);
}

ConnectionKeys keys_of_block(SSL* ssl, Aead aead, Hash hash, const TrafficSecrets& secrets) {
    ConnectionKeys keys;
    for (RecordKeys* side : {&keys.read, &keys.write}) {
        side->aead = aead;
        side->sequence = 1;  // after the one that ended the handshake
    }
    size_t key_bytes = keys.read.key_bytes(), iv_bytes = keys.read.has_explicit_nonce() ? 4 : RecordKeys::iv_bytes;
    size_t block_bytes = 2 * (key_bytes + iv_bytes);
    unsigned char made[TrafficSecrets::key_block_bytes_max];
    bool is_seen = secrets.key_block_bytes >= block_bytes;
    if (!is_seen) make_key_block(ssl, hash, std::span(made).first(block_bytes));
    const unsigned char* from = is_seen ? secrets.key_block.data() : made;
    for (RecordKeys* side : {&keys.read, &keys.write}) {
        std::copy_n(from, key_bytes, side->key.begin());
        from += key_bytes;
    }
    for (RecordKeys* side : {&keys.read, &keys.write}) {
        std::copy_n(from, iv_bytes, side->iv.begin());
        from += iv_bytes;
    }
    OPENSSL_cleanse(made, sizeof made);
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
    OPENSSL_cleanse(key_block.data(), key_block.size());
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
    Hmac hmac(hash, Bytes(secret).first(bytes_of(hash)));
    hkdf_expand_label(hmac, "tls13 traffic upd", {}, std::span(following).first(bytes_of(hash)));
    RecordKeys keys = keys_of_secret(aead, hash, following.data(), 0);
    OPENSSL_cleanse(following.data(), following.size());
    return keys;
}

void TrafficSecrets::note_client(Bytes secret) {
    CHECK(secret.size() <= client.size());
    std::ranges::copy(secret, client.begin());
    client_bytes = secret.size();
}

void TrafficSecrets::note_server(Bytes secret) {
    CHECK(secret.size() <= server.size());
    std::ranges::copy(secret, server.begin());
    server_bytes = secret.size();
}

void TrafficSecrets::note_key_block(Bytes block) {
    key_block_bytes = block.size() <= key_block.size() ? block.size() : 0;
    std::copy_n(block.begin(), key_block_bytes, key_block.begin());
}

std::optional<ConnectionKeys> keys_after_handshake(SSL* ssl, const TrafficSecrets& secrets, uint64_t records_sent) {
    const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
    std::optional<Aead> aead = aead_of(cipher);
    if (!aead) return std::nullopt;
    Hash hash = hash_like(SSL_CIPHER_get_handshake_digest(cipher));
    if (SSL_version(ssl) == TLS1_2_VERSION) return keys_of_block(ssl, *aead, hash, secrets);
    CHECK(SSL_version(ssl) == TLS1_3_VERSION);
    if (secrets.client_bytes != bytes_of(hash) || secrets.server_bytes != bytes_of(hash)) return std::nullopt;
    return ConnectionKeys{keys_of_secret(*aead, hash, secrets.client.data(), 0),
                          keys_of_secret(*aead, hash, secrets.server.data(), records_sent)};
}

}  // namespace ringx

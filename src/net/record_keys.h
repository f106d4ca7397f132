// net/record_keys.h - the keys that protect one direction of a TLS connection, as the handshake has left them.
//
// OpenSSL shakes hands; what follows is protected with these (net/records), by us or by the kernel (net/kernel_tls).
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "net/hmac.h"

namespace ringx {

enum class Aead : uint8_t { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };

struct RecordKeys {
    static constexpr size_t key_bytes_max = 32;
    static constexpr size_t iv_bytes = 12;
    static constexpr size_t secret_bytes_max = hash_bytes_max;

    ~RecordKeys();

    Aead aead = Aead::aes_128_gcm;
    bool is_tls_1_3 = false;
    uint64_t sequence = 0;     // of the next record
    Hash hash = Hash::sha256;
    std::array<unsigned char, key_bytes_max> key{};
    std::array<unsigned char, iv_bytes> iv{};  // GCM in TLS 1.2: the first four; the others are in each record
    std::array<unsigned char, secret_bytes_max> secret{};  // TLS 1.3: what key and iv were made of

    size_t key_bytes() const { return aead == Aead::aes_128_gcm ? 16 : key_bytes_max; }
    // Part of the nonce is in each record (RFC 5288 section 3).
    bool has_explicit_nonce() const { return !is_tls_1_3 && aead != Aead::chacha20_poly1305; }
    const EVP_CIPHER* cipher() const;
    // Those that follow in TLS 1.3 (RFC 8446 section 7.2).
    RecordKeys next() const;
};

// What protects the records that follow a handshake: the secrets of TLS 1.3 (RFC 8446 section 7.1), or the key block of
// TLS 1.2 (RFC 5246 section 6.3).
struct TrafficSecrets {
    // Keys of both sides, then what of their nonces is not in records. OpenSSL makes it a little longer than it has to.
    static constexpr size_t key_block_bytes_max = 2 * (RecordKeys::key_bytes_max + RecordKeys::iv_bytes);

    ~TrafficSecrets();

    std::array<unsigned char, RecordKeys::secret_bytes_max> client{};
    std::array<unsigned char, RecordKeys::secret_bytes_max> server{};
    size_t client_bytes = 0;  // 0: not told of
    size_t server_bytes = 0;
    std::array<unsigned char, key_block_bytes_max> key_block{};
    size_t key_block_bytes = 0;

    void note_client(Bytes secret);
    void note_server(Bytes secret);
    // One that is longer belongs to a cipher that is none of Aead.
    void note_key_block(Bytes block);
};

// A server's.
struct ConnectionKeys {
    RecordKeys read;
    RecordKeys write;
};

// After the handshake; nothing when the cipher is none of Aead, or the secrets of TLS 1.3 are not known. There
// `records_sent` were protected with the server's last keys already, and none received; in TLS 1.2 it is one each,
// whatever is given.
std::optional<ConnectionKeys> keys_after_handshake(SSL* ssl, const TrafficSecrets& secrets, uint64_t records_sent);

}  // namespace ringx

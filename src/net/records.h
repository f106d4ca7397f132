// net/records.h - TLS records after the handshake: protecting and opening them.
//
// Bytes only. One object for each direction. The format is that of RFC 8446 section 5 and of RFC 5246 section 6.2.3.3
// with RFC 5288 (GCM) and RFC 7905 (ChaCha20); the ciphers are OpenSSL's.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "net/openssl.h"
#include "net/parts.h"
#include "net/record_keys.h"

namespace ringx {

enum class RecordType : uint8_t { change_cipher_spec = 20, alert = 21, handshake = 22, data = 23 };

// RFC 8446 section 6 and RFC 5246 section 7.2.
enum class Alert : uint8_t {
    close_notify = 0,
    unexpected_message = 10,
    bad_record_mac = 20,
    record_overflow = 22,
    illegal_parameter = 47,
    decode_error = 50,
    user_canceled = 90,
    no_renegotiation = 100,
};

// What every record begins with: its type, a version and the number of bytes that follow.
constexpr size_t record_header_bytes = 5;
// The most a record can carry.
constexpr size_t record_plain_bytes_max = 16384;

// Counts the records in a stream of bytes, however it is cut.
class RecordCounter {
 public:
    void add(std::string_view bytes);
    uint64_t records() const { return records_; }

 private:
    uint64_t records_ = 0;     // that have begun
    size_t header_bytes_ = 0;  // of the last one's header, which have come
    size_t left_ = 0;          // of what follows its header
};

// One direction: its keys, and the number of its next record.
class RecordCipher {
 protected:
    RecordCipher(const RecordKeys& keys, bool seals) : seals_(seals) { use(keys); }

    void use(const RecordKeys& keys);
    // Before its bytes, for both: the nonce, and what is authenticated but not encrypted.
    void begin(const unsigned char* header, const unsigned char* explicit_nonce, size_t plain_bytes);

    RecordKeys keys_;
    std::unique_ptr<EVP_CIPHER_CTX, FreedBy<EVP_CIPHER_CTX_free>> context_;

 private:
    bool seals_;
};

class RecordSealer : private RecordCipher {
 public:
    explicit RecordSealer(const RecordKeys& keys) : RecordCipher(keys, true) {}

    // How much longer a record is than what it carries, at most.
    static constexpr size_t bytes_around_max = record_header_bytes + 8 + 16;
    // Makes a record of the next `bytes` bytes (at least one, no more than there are, record_plain_bytes_max at most).
    // At `to` there is room for all of it. Returns how long it is.
    size_t seal(RecordType type, PartReader& parts, size_t bytes, char* to);

    bool is_tls_1_3() const { return keys_.is_tls_1_3; }
    const RecordKeys& keys() const { return keys_; }
    // So much was protected that other keys are due (RFC 8446 section 5.5).
    bool is_worn() const { return keys_.is_tls_1_3 && keys_.sequence >= records_a_key_max; }
    void change_keys() { use(keys_.next()); }

    static constexpr uint64_t records_a_key_max = uint64_t{1} << 24;
};

class RecordOpener : private RecordCipher {
 public:
    explicit RecordOpener(const RecordKeys& keys) : RecordCipher(keys, false) {}

    struct Opened {
        RecordType type;
        std::span<char> bytes;  // within the record
    };
    // How long the record is that begins here. REQUIRES: its header is here.
    std::expected<size_t, Alert> size_of(std::string_view header) const;
    // REQUIRES: all of a record that size_of() has accepted. It is changed.
    std::expected<Opened, Alert> open(std::span<char> record);

    bool is_tls_1_3() const { return keys_.is_tls_1_3; }
    void change_keys() { use(keys_.next()); }
};

}  // namespace ringx

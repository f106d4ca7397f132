#include "net/records.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace ringx {
namespace {

constexpr size_t tag_bytes = 16;
constexpr size_t explicit_nonce_bytes = 8;

unsigned char* bytes_of(char* at) { return reinterpret_cast<unsigned char*>(at); }

void store(uint64_t number, unsigned char* to) {
    for (int i = 7; i >= 0; --i, number >>= 8) to[i] = static_cast<unsigned char>(number);
}

void store_header(RecordType type, size_t bytes, unsigned char* to) {
    to[0] = static_cast<unsigned char>(type);
    to[1] = to[2] = 3;  // TLS 1.2, whatever it is (RFC 8446 section 5.1)
    to[3] = static_cast<unsigned char>(bytes >> 8);
    to[4] = static_cast<unsigned char>(bytes);
}

}  // namespace

void RecordCounter::add(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(1)) {
        if (header_bytes_ == record_header_bytes) {
            size_t here = std::min(left_, bytes.size());
            left_ -= here;
            bytes.remove_prefix(here);
            if (left_ > 0 || bytes.empty()) return;
            header_bytes_ = 0;
        }
        if (header_bytes_ == 0) ++records_;
        if (header_bytes_ >= 3) left_ = left_ << 8 | static_cast<unsigned char>(bytes[0]);
        ++header_bytes_;
    }
}

void RecordCipher::use(const RecordKeys& keys) {
    keys_ = keys;
    if (context_ == nullptr) context_.reset(EVP_CIPHER_CTX_new());
    CHECK(context_ != nullptr);
    int made = EVP_CipherInit_ex(context_.get(), keys_.cipher(), nullptr, keys_.key.data(), nullptr, seals_ ? 1 : 0);
    CHECK(made == 1);
}

void RecordCipher::begin(const unsigned char* header, const unsigned char* explicit_nonce, size_t plain_bytes) {
    unsigned char nonce[RecordKeys::iv_bytes];
    unsigned char about[explicit_nonce_bytes + record_header_bytes];  // TLS 1.2: the number, then a header without us
    store(keys_.sequence, about);
    std::ranges::copy(keys_.iv, nonce);
    if (explicit_nonce != nullptr) {
        std::memcpy(nonce + 4, explicit_nonce, explicit_nonce_bytes);
    } else {
        for (size_t i = 0; i < explicit_nonce_bytes; ++i) nonce[4 + i] ^= about[i];
    }
    CHECK(EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, nonce, seals_ ? 1 : 0) == 1);

    int ignored = 0;
    if (keys_.is_tls_1_3) {
        CHECK(EVP_CipherUpdate(context_.get(), nullptr, &ignored, header, record_header_bytes) == 1);
    } else {
        store_header(static_cast<RecordType>(header[0]), plain_bytes, about + explicit_nonce_bytes);
        CHECK(EVP_CipherUpdate(context_.get(), nullptr, &ignored, about, sizeof about) == 1);
    }
    ++keys_.sequence;
}

size_t RecordSealer::seal(RecordType type, PartReader& parts, size_t bytes, char* to) {
    CHECK(bytes > 0 && bytes <= record_plain_bytes_max);
    unsigned char* header = bytes_of(to);
    unsigned char* at = header + record_header_bytes;
    const unsigned char* nonce = nullptr;
    if (keys_.has_explicit_nonce()) {
        // OpenSSL's first one was random: that ours come to it is as likely as that it is guessed.
        nonce = at;
        store(keys_.sequence, at);
        at += explicit_nonce_bytes;
    }
    size_t inner_type_bytes = keys_.is_tls_1_3 ? 1 : 0;
    size_t size = static_cast<size_t>(at - header) + bytes + inner_type_bytes + tag_bytes;
    store_header(keys_.is_tls_1_3 ? RecordType::data : type, size - record_header_bytes, header);
    begin(header, nonce, bytes);

    auto add = [&](const void* from, size_t count) {
        int made = 0;
        CHECK(EVP_CipherUpdate(context_.get(), at, &made, static_cast<const unsigned char*>(from),
                               static_cast<int>(count)) == 1);
        at += made;
    };
    for (size_t left = bytes; left > 0;) {
        std::string_view part = parts.take(left);
        add(part.data(), part.size());
        left -= part.size();
    }
    if (keys_.is_tls_1_3) add(&type, 1);
    int made = 0;
    CHECK(EVP_CipherFinal_ex(context_.get(), at, &made) == 1 && made == 0);
    CHECK(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, tag_bytes, at) == 1);
    CHECK(at + tag_bytes == header + size);
    return size;
}

std::expected<size_t, Alert> RecordOpener::size_of(std::string_view header) const {
    auto byte = [header](size_t i) { return static_cast<unsigned char>(header[i]); };
    size_t bytes = static_cast<size_t>(byte(3)) << 8 | byte(4);
    size_t around = tag_bytes + (keys_.has_explicit_nonce() ? explicit_nonce_bytes : 0);
    // All is encrypted now, and TLS 1.3 says so by this type.
    if (keys_.is_tls_1_3 && byte(0) != static_cast<unsigned char>(RecordType::data)) {
        return std::unexpected(Alert::unexpected_message);
    }
    // RFC 8446 section 5.2: the type and a tag may come on top; RFC 5246 section 6.2.3 allows even more.
    size_t bytes_max = record_plain_bytes_max + (keys_.is_tls_1_3 ? 256 : 2048);
    if (bytes > bytes_max) return std::unexpected(Alert::record_overflow);
    if (bytes < around) return std::unexpected(Alert::bad_record_mac);
    return record_header_bytes + bytes;
}

std::expected<RecordOpener::Opened, Alert> RecordOpener::open(std::span<char> record) {
    const unsigned char* header = bytes_of(record.data());
    std::span<char> sealed = record.subspan(record_header_bytes);
    const unsigned char* nonce = nullptr;
    if (keys_.has_explicit_nonce()) {
        nonce = bytes_of(sealed.data());
        sealed = sealed.subspan(explicit_nonce_bytes);
    }
    std::span<char> plain = sealed.first(sealed.size() - tag_bytes);
    begin(header, nonce, plain.size());

    unsigned char* at = bytes_of(plain.data());
    int made = 0;
    // Of nothing it would take the nonce for finished.
    if (!plain.empty()) {
        CHECK(EVP_CipherUpdate(context_.get(), at, &made, at, static_cast<int>(plain.size())) == 1);
    }
    CHECK(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, tag_bytes, plain.data() + plain.size()) == 1);
    if (EVP_CipherFinal_ex(context_.get(), at + made, &made) != 1) return std::unexpected(Alert::bad_record_mac);

    auto type = static_cast<RecordType>(header[0]);
    // With type and padding it may be longer by one (RFC 8446 section 5.4).
    if (plain.size() > record_plain_bytes_max + (keys_.is_tls_1_3 ? 1 : 0)) {
        return std::unexpected(Alert::record_overflow);
    }
    if (keys_.is_tls_1_3) {
        size_t bytes = plain.size();
        while (bytes > 0 && plain[bytes - 1] == '\0') --bytes;  // padding
        if (bytes == 0) return std::unexpected(Alert::unexpected_message);
        type = static_cast<RecordType>(plain[bytes - 1]);
        plain = plain.first(bytes - 1);
    }
    return Opened{type, plain};
}

}  // namespace ringx

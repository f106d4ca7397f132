#include "modules/auth_basic/password.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <string.h>

#include <array>
#include <cstdint>
#include <memory>

#include "base/base64.h"
#include "base/check.h"

namespace ringx::http {
namespace {

constexpr std::string_view apr1_prefix = "$apr1$";

// One digest after the other, by OpenSSL.
class Digest {
 public:
    explicit Digest(const EVP_MD* kind) : context_(EVP_MD_CTX_new()) {
        CHECK(context_ != nullptr && EVP_DigestInit_ex(context_, kind, nullptr) == 1);
    }
    Digest(const Digest&) = delete;
    Digest& operator=(const Digest&) = delete;
    ~Digest() { EVP_MD_CTX_free(context_); }  // wipes what it knows

    Digest& add(std::string_view bytes) {
        CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
        return *this;
    }
    template <size_t bytes>
    std::array<char, bytes> finish() {
        std::array<char, bytes> result;
        unsigned size = 0;
        CHECK(EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(result.data()), &size) == 1);
        CHECK(size == bytes);
        return result;
    }

 private:
    EVP_MD_CTX* context_;
};

std::string_view view(const std::array<char, 16>& digest) { return {digest.data(), digest.size()}; }

// {SHA}BASE64 and {SSHA}BASE64: SHA-1 of the password, and of the salt that follows the digest.
bool sha_fits(const Secret& password, std::string_view base64) {
    constexpr size_t digest_bytes = 20;
    std::string decoded(base64_decoded_max(base64.size()), '\0');
    auto bytes = decode_base64(base64, decoded.data());
    if (!bytes || bytes->size() < digest_bytes) return false;
    auto digest = Digest(EVP_sha1()).add(password.view()).add(bytes->substr(digest_bytes)).finish<digest_bytes>();
    return equal_in_constant_time({digest.data(), digest.size()}, bytes->substr(0, digest_bytes));
}

Result<bool> system_fits(const Secret& password, std::string_view hash) {
    // It is large, and holds what the password was made of: not for the stack of a thread, and wiped.
    auto data = std::make_unique<crypt_data>();
    std::string setting(hash);
    const char* derived = crypt_r(password.c_str(), setting.c_str(), data.get());
    int error = errno;
    bool failed = derived == nullptr || derived[0] == '*';
    bool fits = !failed && equal_in_constant_time(derived, hash);
    explicit_bzero(data.get(), sizeof *data);
    if (failed) return fail("crypt_r", error);
    return fits;
}

void append_base64(std::string& out, uint32_t bits, int characters) {
    constexpr std::string_view alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (; characters > 0; --characters, bits >>= 6) out += alphabet[bits & 63];
}

}  // namespace

Secret::~Secret() { explicit_bzero(text_.data(), text_.capacity()); }

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    // Lengths are those of formats, and no secret; that of a {PLAIN} password is told.
    if (a.size() != b.size()) return false;
    unsigned different = 0;
    for (size_t i = 0; i < a.size(); ++i) different |= static_cast<unsigned char>(a[i] ^ b[i]);
    return different == 0;
}

std::string apr1(std::string_view password, std::string_view setting) {
    std::string_view salt = setting.substr(apr1_prefix.size());
    salt = salt.substr(0, std::min<size_t>(salt.find('$'), 8));

    auto inner = Digest(EVP_md5()).add(password).add(salt).add(password).finish<16>();
    Digest first(EVP_md5());
    first.add(password).add(apr1_prefix).add(salt);
    for (size_t left = password.size(); left > 0; left -= std::min<size_t>(left, 16)) {
        first.add(view(inner).substr(0, left));
    }
    for (size_t bits = password.size(); bits > 0; bits >>= 1) {
        first.add((bits & 1) != 0 ? std::string_view("\0", 1) : password.substr(0, 1));
    }
    auto digest = first.finish<16>();

    for (int round = 0; round < 1000; ++round) {
        Digest next(EVP_md5());
        next.add(round % 2 != 0 ? password : view(digest));
        if (round % 3 != 0) next.add(salt);
        if (round % 7 != 0) next.add(password);
        next.add(round % 2 != 0 ? view(digest) : password);
        digest = next.finish<16>();
    }

    std::string result(apr1_prefix);
    result += salt;
    result += '$';
    auto byte = [&](size_t i) { return uint32_t{static_cast<unsigned char>(digest[i])}; };
    for (size_t i = 0; i < 5; ++i) {
        append_base64(result, byte(i) << 16 | byte(i + 6) << 8 | byte(i < 4 ? i + 12 : 5), 4);
    }
    append_base64(result, byte(11), 2);
    explicit_bzero(digest.data(), digest.size());
    explicit_bzero(inner.data(), inner.size());
    return result;
}

Result<bool> password_fits(const Secret& password, std::string_view hash) {
    if (hash.starts_with(apr1_prefix)) return equal_in_constant_time(apr1(password.view(), hash), hash);
    constexpr std::string_view plain = "{PLAIN}", sha = "{SHA}", salted = "{SSHA}";
    if (hash.starts_with(plain)) return equal_in_constant_time(password.view(), hash.substr(plain.size()));
    if (hash.starts_with(salted)) return sha_fits(password, hash.substr(salted.size()));
    if (hash.starts_with(sha)) return sha_fits(password, hash.substr(sha.size()));
    return system_fits(password, hash);
}

}  // namespace ringx::http

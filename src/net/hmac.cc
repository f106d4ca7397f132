#include "net/hmac.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace ringx {
namespace {

constexpr unsigned char inner_pad = 0x36;
constexpr unsigned char outer_pad = 0x5c;

constexpr size_t block_bytes_of(Hash hash) { return hash == Hash::sha256 ? 64 : 128; }

}  // namespace

const EVP_MD* digest_of(Hash hash) {
    static const EVP_MD* const digests[] = {EVP_MD_fetch(nullptr, "SHA2-256", nullptr),
                                            EVP_MD_fetch(nullptr, "SHA2-384", nullptr)};
    return digests[static_cast<size_t>(hash)];
}

std::optional<Hash> hash_by_name(const char* name) {
    for (Hash hash : {Hash::sha256, Hash::sha384}) {
        if (EVP_MD_is_a(digest_of(hash), name) == 1) return hash;
    }
    return std::nullopt;
}

Hash hash_like(const EVP_MD* digest) {
    bool is_long = EVP_MD_get_size(digest) == static_cast<int>(bytes_of(Hash::sha384));
    CHECK(is_long || EVP_MD_get_size(digest) == static_cast<int>(bytes_of(Hash::sha256)));
    return is_long ? Hash::sha384 : Hash::sha256;
}

Hmac::Hmac(Hash hash, Bytes key) : context_(EVP_MD_CTX_new()), hash_(hash), key_{} {
    CHECK(context_ != nullptr);
    if (key.size() <= block_bytes_of(hash)) {
        std::ranges::copy(key, key_);
    } else {
        CHECK(EVP_Digest(key.data(), key.size(), key_, nullptr, digest_of(hash), nullptr) == 1);
    }
}

Hmac::~Hmac() { OPENSSL_cleanse(key_, sizeof key_); }

void Hmac::sign(std::initializer_list<Bytes> parts, unsigned char* to) {
    unsigned char inner[hash_bytes_max];
    digest(inner_pad, parts, inner);
    digest(outer_pad, {Bytes(inner, bytes_of(hash_))}, to);
}

void Hmac::digest(unsigned char pad, std::initializer_list<Bytes> parts, unsigned char* to) {
    unsigned char block[block_bytes_max];
    size_t block_bytes = block_bytes_of(hash_);
    for (size_t i = 0; i < block_bytes; ++i) block[i] = key_[i] ^ pad;
    EVP_MD_CTX* context = context_.get();
    CHECK(EVP_DigestInit_ex2(context, digest_of(hash_), nullptr) == 1);
    CHECK(EVP_DigestUpdate(context, block, block_bytes) == 1);
    for (Bytes part : parts) CHECK(EVP_DigestUpdate(context, part.data(), part.size()) == 1);
    CHECK(EVP_DigestFinal_ex(context, to, nullptr) == 1);
    OPENSSL_cleanse(block, sizeof block);
}

void hkdf_extract(Hash hash, Bytes salt, Bytes secret, unsigned char* to) { Hmac(hash, salt).sign({secret}, to); }

void hkdf_expand_label(Hmac& secret, std::string_view label, Bytes context, std::span<unsigned char> to) {
    CHECK(label.size() <= 255 && context.size() <= 255 && to.size() <= hash_bytes_max);
    const unsigned char head[] = {0, static_cast<unsigned char>(to.size()), static_cast<unsigned char>(label.size())};
    const unsigned char context_bytes[] = {static_cast<unsigned char>(context.size())};
    const unsigned char number_of_block[] = {1};
    unsigned char block[hash_bytes_max];
    secret.sign({head, as_bytes(label), context_bytes, context, number_of_block}, block);
    std::copy_n(block, to.size(), to.begin());
    OPENSSL_cleanse(block, sizeof block);
}

void tls_1_2_prf(Hash hash, Bytes secret, Bytes label_and_seed, std::span<unsigned char> to) {
    Hmac hmac(hash, secret);
    unsigned char chain[hash_bytes_max], block[hash_bytes_max];
    Bytes link(chain, bytes_of(hash));
    hmac.sign({label_and_seed}, chain);
    while (!to.empty()) {
        hmac.sign({link, label_and_seed}, block);
        size_t bytes = std::min(to.size(), link.size());
        std::copy_n(block, bytes, to.begin());
        to = to.subspan(bytes);
        if (!to.empty()) hmac.sign({link}, chain);
    }
    OPENSSL_cleanse(chain, sizeof chain);
    OPENSSL_cleanse(block, sizeof block);
}

}  // namespace ringx

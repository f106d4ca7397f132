// net/hmac_test.cc - HMAC and what TLS derives with it.
//
// Beside OpenSSL's own for many lengths, and by the examples of the RFCs.
#include "net/hmac.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <string>
#include <vector>

namespace ringx {
namespace {

using Text = std::vector<unsigned char>;

// Bytes that are not alike.
Text some(size_t count, unsigned char first) {
    Text text(count);
    for (unsigned char& byte : text) byte = first++;
    return text;
}

std::string hex(Bytes bytes) {
    std::string text;
    for (unsigned char byte : bytes) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

class HashTest : public testing::TestWithParam<Hash> {};

TEST_P(HashTest, hmac_is_that_of_openssl_for_every_length_of_key_and_text) {
    size_t block_bytes = GetParam() == Hash::sha256 ? 64 : 128;
    for (size_t key_bytes : {size_t{0}, size_t{1}, size_t{32}, size_t{48}, block_bytes - 1, block_bytes,
                             block_bytes + 1, 4 * block_bytes}) {
        Text key = some(key_bytes, 3);
        key.reserve(1);  // without an address OpenSSL takes it for none
        Hmac hmac(GetParam(), key);
        for (size_t bytes = 0; bytes < 300; bytes += 7) {
            Text text = some(bytes, 9);
            Bytes all(text);
            unsigned char ours[hash_bytes_max], theirs[EVP_MAX_MD_SIZE];
            hmac.sign({all.first(bytes / 3), {}, all.subspan(bytes / 3)}, ours);
            unsigned int size = 0;
            HMAC(digest_of(GetParam()), key.data(), static_cast<int>(key.size()), text.data(), text.size(), theirs,
                 &size);
            ASSERT_EQ(size, bytes_of(GetParam()));
            EXPECT_EQ(hex({ours, size}), hex({theirs, size})) << key_bytes << " " << bytes;
        }
    }
}

TEST_P(HashTest, the_prf_is_that_of_openssl_for_every_length) {
    std::unique_ptr<EVP_KDF, FreedBy<EVP_KDF_free>> prf(EVP_KDF_fetch(nullptr, "TLS1-PRF", nullptr));
    Text secret = some(48, 1), seed = some(77, 100);
    for (size_t bytes = 1; bytes <= 150; ++bytes) {
        std::unique_ptr<EVP_KDF_CTX, FreedBy<EVP_KDF_CTX_free>> context(EVP_KDF_CTX_new(prf.get()));
        auto* digest = const_cast<char*>(EVP_MD_get0_name(digest_of(GetParam())));
        OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.data(), secret.size()),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
            OSSL_PARAM_construct_end()};
        Text ours(bytes), theirs(bytes);
        tls_1_2_prf(GetParam(), secret, seed, ours);
        ASSERT_EQ(EVP_KDF_derive(context.get(), theirs.data(), bytes, parameters), 1);
        EXPECT_EQ(hex(ours), hex(theirs)) << bytes;
    }
}

INSTANTIATE_TEST_SUITE_P(Hashes, HashTest, testing::Values(Hash::sha256, Hash::sha384),
                         [](const auto& test) { return test.param == Hash::sha256 ? "sha256" : "sha384"; });

// RFC 5869 appendix A.1: the extraction; RFC 8448 section 3: keys of the server's handshake.
TEST(HkdfTest, examples_of_the_rfcs) {
    Text salt = some(13, 0), secret(22, 0x0b);
    unsigned char extracted[32];
    hkdf_extract(Hash::sha256, salt, secret, extracted);
    EXPECT_EQ(hex(extracted), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");

    const unsigned char traffic[] = {0xb6, 0x7b, 0x7d, 0x69, 0x0c, 0xc1, 0x6c, 0x4e, 0x75, 0xe5, 0x42,
                                     0x13, 0xcb, 0x2d, 0x37, 0xb4, 0xe9, 0xc9, 0x12, 0xbc, 0xde, 0xd9,
                                     0x10, 0x5d, 0x42, 0xbe, 0xfd, 0x59, 0xd3, 0x91, 0xad, 0x38};
    Hmac hmac(Hash::sha256, traffic);
    unsigned char key[16], iv[12];
    hkdf_expand_label(hmac, "tls13 key", {}, key);
    hkdf_expand_label(hmac, "tls13 iv", {}, iv);
    EXPECT_EQ(hex(key), "3fce516009c21727d0f2e4e86ee403bc");
    EXPECT_EQ(hex(iv), "5d313eb2671276ee13000b30");
}

TEST(HashNameTest, a_hash_has_several_names) {
    for (const char* name : {"SHA256", "SHA2-256", "SHA-256", "sha256"}) EXPECT_EQ(hash_by_name(name), Hash::sha256);
    for (const char* name : {"SHA384", "SHA2-384"}) EXPECT_EQ(hash_by_name(name), Hash::sha384);
    for (const char* name : {"SHA512", "SHA3-256", "MD5", ""}) EXPECT_EQ(hash_by_name(name), std::nullopt);
}

}  // namespace
}  // namespace ringx

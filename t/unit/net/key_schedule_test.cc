// net/key_schedule_test.cc - the key schedule as OpenSSL calls it.
//
// It derives what OpenSSL's own does, refuses what TLS never asks for, and shows the secrets to who watches.
#include "net/key_schedule.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <string>
#include <vector>

namespace ringx {
namespace {

using Text = std::vector<unsigned char>;
using OwnedKdf = std::unique_ptr<EVP_KDF, FreedBy<EVP_KDF_free>>;
using OwnedKdfContext = std::unique_ptr<EVP_KDF_CTX, FreedBy<EVP_KDF_CTX_free>>;

struct Question {
    int mode;
    const char* digest;
    std::optional<Text> key, salt;
    std::string label;
    std::optional<Text> data;
    size_t bytes;
};

// What the algorithm with this property derives; nothing when it refuses.
std::optional<Text> answer(const char* property, Question question) {
    OwnedKdf kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, property));
    OwnedKdfContext context(EVP_KDF_CTX_new(kdf.get()));
    char prefix[] = "tls13 ";
    std::vector<OSSL_PARAM> parameters;
    auto add = [&](const char* name, std::optional<Text>& text) {
        if (text) parameters.push_back(OSSL_PARAM_construct_octet_string(name, text->data(), text->size()));
    };
    parameters.push_back(OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &question.mode));
    parameters.push_back(
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(question.digest), 0));
    add(OSSL_KDF_PARAM_KEY, question.key);
    add(OSSL_KDF_PARAM_SALT, question.salt);
    parameters.push_back(OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix, sizeof prefix - 1));
    parameters.push_back(
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, question.label.data(), question.label.size()));
    add(OSSL_KDF_PARAM_DATA, question.data);
    parameters.push_back(OSSL_PARAM_construct_end());
    Text text(question.bytes);
    if (EVP_KDF_derive(context.get(), text.data(), text.size(), parameters.data()) != 1) return std::nullopt;
    return text;
}

Text some(size_t count, unsigned char first) {
    Text text(count);
    for (unsigned char& byte : text) byte = first++;
    return text;
}

constexpr int extracts = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
constexpr int expands = EVP_KDF_HKDF_MODE_EXPAND_ONLY;

TEST(KeyScheduleTest, it_derives_what_openssl_does) {
    struct {
        const char* digest;
        size_t bytes;
    } hashes[] = {{"SHA256", 32}, {"SHA384", 48}};
    for (auto [digest, bytes] : hashes) {
        Text secret = some(bytes, 7), salt = some(bytes, 90), hash = some(bytes, 200);
        const Question questions[] = {
            {extracts, digest, std::nullopt, std::nullopt, "derived", std::nullopt, bytes},   // no early secret
            {extracts, digest, secret, std::nullopt, "derived", std::nullopt, bytes},         // of a session
            {extracts, digest, some(32, 1), salt, "derived", std::nullopt, bytes},            // X25519
            {extracts, digest, some(66, 1), salt, "derived", std::nullopt, bytes},            // P-521
            {extracts, digest, some(512, 1), salt, "derived", std::nullopt, bytes},           // ffdhe4096
            {extracts, digest, std::nullopt, salt, "derived", std::nullopt, bytes},           // the master secret
            {expands, digest, secret, std::nullopt, "c hs traffic", hash, bytes},
            {expands, digest, secret, std::nullopt, "key", std::nullopt, 16},
            {expands, digest, secret, std::nullopt, "iv", std::nullopt, 12},
            {expands, digest, secret, std::nullopt, "finished", std::nullopt, bytes},
            {expands, digest, secret, std::nullopt, "resumption", some(8, 0), bytes},
            {expands, digest, secret, std::nullopt, std::string(200, 'l'), hash, 1},
        };
        for (const Question& question : questions) {
            auto ours = answer(key_schedule_property(), question), theirs = answer("provider=default", question);
            ASSERT_TRUE(theirs) << question.label;
            EXPECT_EQ(ours, theirs) << digest << " " << question.label;
        }
    }
}

TEST(KeyScheduleTest, it_refuses_what_it_cannot_derive) {
    Text secret = some(32, 7);
    const Question good{expands, "SHA256", secret, std::nullopt, "key", std::nullopt, 32};
    EXPECT_TRUE(answer(key_schedule_property(), good));
    using Change = void (*)(Question&);
    const Change changes[] = {
        [](Question& q) { q.mode = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND; },
        [](Question& q) { q.mode = extracts, q.bytes = 31; },
        [](Question& q) { q.bytes = 33; },
        [](Question& q) { q.key = some(33, 0); },
        [](Question& q) { q.mode = extracts, q.salt = some(33, 0); },
        [](Question& q) { q.data = some(hash_bytes_max + 1, 0); },
        [](Question& q) { q.label = std::string(250, 'l'); },
    };
    for (size_t i = 0; i < std::size(changes); ++i) {
        Question question = good;
        changes[i](question);
        EXPECT_FALSE(answer(key_schedule_property(), question)) << "change " << i;
    }
}

TEST(KeyScheduleTest, hashes_of_rare_ciphers_are_left_to_openssl) {
    for (const char* digest : {"SHA512", "SM3"}) {
        Question question{expands, digest, some(32, 7), std::nullopt, "key", std::nullopt, 16};
        auto theirs = answer("provider=default", question);
        ASSERT_TRUE(theirs) << digest;
        EXPECT_EQ(answer(key_schedule_property(), question), theirs) << digest;
    }
}

TEST(KeyScheduleTest, traffic_secrets_are_seen_as_long_as_somebody_watches) {
    Question question{expands, "SHA256", some(32, 7), std::nullopt, "c ap traffic", some(32, 50), 32};
    TrafficSecrets secrets;
    auto client = answer(key_schedule_property(), question);
    EXPECT_EQ(secrets.client_bytes, 0u);
    {
        SecretsWatch watch(&secrets);
        EXPECT_EQ(answer(key_schedule_property(), question), client);
        question.label = "s hs traffic";
        (void)answer(key_schedule_property(), question);
    }
    EXPECT_EQ(secrets.client_bytes, 32u);
    EXPECT_TRUE(std::equal(client->begin(), client->end(), secrets.client.begin()));
    EXPECT_EQ(secrets.server_bytes, 0u);
    question.label = "s ap traffic";
    (void)answer(key_schedule_property(), question);
    EXPECT_EQ(secrets.server_bytes, 0u);
}

// --- TLS 1.2

struct PrfQuestion {
    const char* digest;
    std::optional<Text> secret;
    std::vector<Text> seed;  // its parts, the label first
    size_t bytes;
};

std::optional<Text> answer(const char* property, PrfQuestion question) {
    OwnedKdf kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_PRF, property));
    OwnedKdfContext context(EVP_KDF_CTX_new(kdf.get()));
    std::vector<OSSL_PARAM> parameters;
    auto add = [&](const char* name, Text& text) {
        parameters.push_back(OSSL_PARAM_construct_octet_string(name, text.data(), text.size()));
    };
    parameters.push_back(
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(question.digest), 0));
    if (question.secret) add(OSSL_KDF_PARAM_SECRET, *question.secret);
    for (Text& part : question.seed) add(OSSL_KDF_PARAM_SEED, part);
    parameters.push_back(OSSL_PARAM_construct_end());
    Text text(question.bytes);
    if (EVP_KDF_derive(context.get(), text.data(), text.size(), parameters.data()) != 1) return std::nullopt;
    return text;
}

Text text_of(std::string_view text) { return {text.begin(), text.end()}; }

TEST(PrfTest, it_derives_what_openssl_does) {
    Text random = some(32, 3), other_random = some(32, 60);
    std::vector<Text> keys{text_of("key expansion"), random, other_random};
    for (const char* digest : {"SHA256", "SHA384", "SHA512", "MD5-SHA1"}) {
        const PrfQuestion questions[] = {
            {digest, some(48, 1), keys, 56},
            {digest, some(48, 1), keys, 88},
            {digest, some(32, 1), {text_of("master secret"), random, other_random}, 48},
            {digest, some(512, 1), {text_of("extended master secret"), some(48, 9)}, 48},  // ffdhe4096
            {digest, some(48, 1), {text_of("client finished"), some(32, 9)}, 12},
            {digest, some(48, 1), {text_of("client finished"), some(32, 9), Text()}, 12},
            {digest, some(48, 1), {some(256, 9)}, 12},
            {digest, some(48, 1), {text_of("EXPORTER-test"), some(700, 9)}, 100},
        };
        for (const PrfQuestion& question : questions) {
            auto ours = answer(key_schedule_property(), question), theirs = answer("provider=default", question);
            ASSERT_TRUE(theirs) << digest;
            EXPECT_EQ(ours, theirs) << digest << " " << question.bytes;
        }
    }
}

TEST(PrfTest, it_refuses_what_lacks_a_part) {
    const PrfQuestion good{"SHA256", some(48, 1), {text_of("key expansion")}, 56};
    EXPECT_TRUE(answer(key_schedule_property(), good));
    using Change = void (*)(PrfQuestion&);
    const Change changes[] = {[](PrfQuestion& q) { q.secret.reset(); }, [](PrfQuestion& q) { q.seed.clear(); }};
    for (size_t i = 0; i < std::size(changes); ++i) {
        PrfQuestion question = good;
        changes[i](question);
        EXPECT_FALSE(answer(key_schedule_property(), question)) << "change " << i;
    }
}

TEST(PrfTest, the_key_block_is_seen_as_long_as_somebody_watches) {
    PrfQuestion question{"SHA256", some(48, 1), {text_of("key expansion"), some(64, 3)}, 56};
    TrafficSecrets secrets;
    auto block = answer(key_schedule_property(), question);
    EXPECT_EQ(secrets.key_block_bytes, 0u);
    {
        SecretsWatch watch(&secrets);
        EXPECT_EQ(answer(key_schedule_property(), question), block);
        question.seed[0] = text_of("server finished");
        (void)answer(key_schedule_property(), question);
    }
    ASSERT_EQ(secrets.key_block_bytes, 56u);
    EXPECT_TRUE(std::equal(block->begin(), block->end(), secrets.key_block.begin()));

    SecretsWatch watch(&secrets);
    question = {"SHA256", some(48, 1), {text_of("key expansion"), some(64, 3)}, 104};  // a block cipher's
    (void)answer(key_schedule_property(), question);
    EXPECT_EQ(secrets.key_block_bytes, 0u);
}

}  // namespace
}  // namespace ringx

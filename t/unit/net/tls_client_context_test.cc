// net/tls_client_context_test.cc - what settings for upstream servers mean, and what is wrong with some.
//
// Each is tried with a server of OpenSSL's in memory, where it is about more than words.
#include "net/tls_client_context.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "t/unit/net/tls_client_scene.h"

namespace ringx {
namespace {

using namespace tls_test;

TEST(TlsClientContext, mistakes_are_told_in_nginx_words) {
    Holder client({.name = "client", .alt_names = ""}, &authority());
    std::string certificate = client.certificate(), key = client.key_pem(), other = good_server().key_pem();
    struct {
        void (*change)(TlsClientSettings&);
        std::string_view want;
    } cases[] = {
        {[](TlsClientSettings& s) { s.ciphers = "NO-SUCH"; }, "SSL_CTX_set_cipher_list(\"NO-SUCH\") failed"},
        {[](TlsClientSettings& s) { s.commands = {{"Nonsense", "1"}}; }, "SSL_CONF_cmd(\"Nonsense\", \"1\") failed"},
        {[](TlsClientSettings& s) { s.certificate->chain.bytes = ""; }, "cannot load certificate \"client.crt\""},
        {[](TlsClientSettings& s) { s.certificate->key.bytes = ""; }, "cannot load certificate key \"client.key\""},
        {[](TlsClientSettings& s) { s.trusted_certificates.bytes = "x"; }, "cannot load certificate \"ca.crt\""},
        {[](TlsClientSettings& s) { s.revoked = {"a.crl", "x"}; }, "cannot load revocation list \"a.crl\""},
    };
    for (auto& c : cases) {
        TlsClientSettings settings = strict();
        settings.certificate = {{"client.crt", certificate}, {"client.key", key}};
        EXPECT_TRUE(TlsClientContext::make(settings));
        c.change(settings);
        auto made = TlsClientContext::make(settings);
        ASSERT_FALSE(made) << c.want;
        EXPECT_TRUE(made.error().starts_with(c.want)) << made.error();
    }
    TlsClientSettings settings = strict();
    settings.certificate = {{"client.crt", certificate}, {"other.key", other}};
    auto made = TlsClientContext::make(settings);
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().find("key values mismatch"), std::string::npos) << made.error();
}

TEST(TlsClientContext, versions_are_those_that_were_asked_for) {
    for (auto [protocol, version] : {std::pair{TlsProtocol::tlsv1_2, TLS1_2_VERSION},
                                     std::pair{TlsProtocol::tlsv1_3, TLS1_3_VERSION}}) {
        TlsClientSettings settings = careless();
        settings.protocols = 1u << static_cast<unsigned>(protocol);
        EXPECT_EQ(outcome_with(settings, good_server(), "", version), "");
        int other = version == TLS1_2_VERSION ? TLS1_3_VERSION : TLS1_2_VERSION;
        EXPECT_NE(outcome_with(settings, good_server(), "", other), "");
    }
}

TEST(TlsClientContext, the_same_settings_are_the_same_after_a_reload) {
    EXPECT_EQ(context_of(strict())->identity(), context_of(strict())->identity());
    std::vector<void (*)(TlsClientSettings&)> changes = {
        [](TlsClientSettings&) {},
        [](TlsClientSettings& s) { s.verify = false; },
        [](TlsClientSettings& s) { s.verify_depth = 2; },
        [](TlsClientSettings& s) { s.ciphers = "HIGH"; },
        [](TlsClientSettings& s) { s.commands = {{"Options", "Bugs"}}; },
        [](TlsClientSettings& s) { s.protocols = 1u << static_cast<unsigned>(TlsProtocol::tlsv1_2); },
        [](TlsClientSettings& s) { s.alpn = {"h2"}; },
        [](TlsClientSettings& s) { s.tells_name = false; },
    };
    std::vector<std::string> identities;
    for (auto change : changes) {
        TlsClientSettings settings = strict();
        change(settings);
        identities.push_back(context_of(settings)->identity());
    }
    std::ranges::sort(identities);
    EXPECT_EQ(std::ranges::adjacent_find(identities), identities.end());
}

TEST(TlsName, the_port_is_no_part_of_it) {
    struct {
        std::string_view host, want;
    } cases[] = {{"a.test", "a.test"},   {"a.test:443", "a.test"}, {"127.0.0.1:443", "127.0.0.1"}, {"", ""},
                 {"[::1]", "[::1]"},     {"[::1]:443", "[::1]"},   {":443", ""}};
    for (auto& c : cases) EXPECT_EQ(tls_name_of(c.host), c.want) << c.host;
}

}  // namespace
}  // namespace ringx

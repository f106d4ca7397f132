// net/tls_client_test.cc - our side towards upstream servers, without sockets: what it sends and reads, whom it
// believes, and what it tells.
//
// OpenSSL's server stands on the other side, and once our own.
#include "net/tls_client.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "t/unit/net/tls_client_scene.h"

namespace ringx {
namespace {

using namespace tls_test;

using Progress = TlsClient::Progress;
using State = ReceiveFilter::State;

class TlsClientTest : public BothVersions {};

TEST_P(TlsClientTest, every_split_of_the_bytes_says_the_same) {
    auto context = context_of(strict());
    for (size_t piece : {1, 2, 3, 5, 17, 1000, 100000}) {
        TlsClientSessions none;
        Server server(ctx.get());
        TlsClient tls(context, none, -1, "a.test", "127.0.0.1:443");
        ASSERT_EQ(outcome(tls, server, piece), "") << piece;
        server.write("hello");
        server.write(std::string(20000, 'x'));
        EXPECT_EQ(received(tls, server.sent(), piece), "hello" + std::string(20000, 'x')) << piece;
        send(tls, "one" + std::string(100000, 'y'));
        server.receive(tls.take_unsent());
        EXPECT_EQ(server.read(), "one" + std::string(100000, 'y')) << piece;
        EXPECT_STREQ(SSL_get_servername(server.ssl(), TLSEXT_NAMETYPE_host_name), "a.test");
    }
}

TEST_P(TlsClientTest, our_own_server_understands_it) {
    struct Own {
        Own(std::shared_ptr<const TlsContext> context)
            : tls(std::move(context), tls_test::ticket_keys(), -1, "a.test") {}
        void receive(std::string_view bytes) {
            if (bytes.empty()) return;
            tls.push(lease_of(bytes));
            if (progress == Progress::done) return;
            progress = tls.shake_hands();
            if (progress == Progress::done) tls.settle(false);
        }
        void shake_hands() {}
        std::string sent() { return tls.take_unsent(); }
        Tls tls;
        Progress progress = Progress::hungry;
    };
    std::string certificate = good_server().certificate(), key = good_server().key_pem();
    TlsSettings settings = tls_test::settings_of(tls_test::identity());
    settings.certificates = {{{"a.crt", certificate}, {"a.key", key}}};
    settings.protocols = 1u << static_cast<unsigned>(is_tls_1_3() ? TlsProtocol::tlsv1_3 : TlsProtocol::tlsv1_2);
    auto theirs = TlsContext::make(settings);
    ASSERT_TRUE(theirs) << theirs.error();
    for (bool again : {false, true}) {
        Own server(*theirs);
        TlsClient tls(context_of(strict()), sessions, -1, "a.test", "127.0.0.1:443");
        ASSERT_EQ(outcome(tls, server), "");
        EXPECT_EQ(tls.is_resumed(), again);
        send(tls, "asked");
        server.receive(tls.take_unsent());
        ASSERT_EQ(server.tls.state(), State::ready);
        EXPECT_EQ(server.tls.take()->view(), "asked");
        iovec part{const_cast<char*>("answered"), 8};
        EXPECT_EQ(server.tls.send({&part, 1}, Follows::nothing, 0), 8u);
        server.tls.send_close_notify();
        EXPECT_EQ(received(tls, server.sent()), "answered<end>");
        EXPECT_TRUE(tls.is_closed());
        tls.send_close_notify();
        server.receive(tls.take_unsent());
        ASSERT_EQ(server.tls.state(), State::ready);
        EXPECT_TRUE(server.tls.take()->empty());
        EXPECT_TRUE(server.tls.is_closed());
    }
}

TEST_P(TlsClientTest, a_stream_that_was_cut_off_is_told_from_one_that_ended) {
    for (bool is_whole : {true, false}) {
        Server server(ctx.get());
        TlsClient tls(context_of(careless()), sessions, -1, "", "");
        ASSERT_EQ(outcome(tls, server), "");
        server.write("last");
        if (is_whole) SSL_shutdown(server.ssl());
        EXPECT_EQ(received(tls, server.sent(), 7), is_whole ? "last<end>" : "last");
        EXPECT_EQ(tls.is_closed(), is_whole);
    }
}

TEST_P(TlsClientTest, our_end_is_said) {
    Server server(ctx.get());
    TlsClient tls(context_of(careless()), sessions, -1, "", "");
    ASSERT_EQ(outcome(tls, server), "");
    send(tls, "last");
    tls.send_close_notify();
    server.receive(tls.take_unsent());
    EXPECT_EQ(server.read(), "last");
    EXPECT_EQ(SSL_get_shutdown(server.ssl()), SSL_RECEIVED_SHUTDOWN);
}

// --- whom it believes

TEST(TlsClientTrust, servers_are_judged_as_nginx_does) {
    Holder other_authority({.name = "other", .alt_names = "", .is_authority = true});
    Holder stranger({}, &other_authority);
    Holder alone({});
    Holder expired({.from_seconds = -7200, .until_seconds = -3600}, &authority());
    Holder unborn({.from_seconds = 3600}, &authority());
    Holder common_name({.name = "b.test", .alt_names = ""}, &authority());
    struct {
        const Holder& holder;
        std::string_view name, want;
    } cases[] = {
        {good_server(), "a.test", ""},
        {good_server(), "A.Test", ""},
        {good_server(), "x.wild.test", ""},
        {good_server(), "x.y.wild.test", "upstream SSL certificate does not match \"x.y.wild.test\""},
        {good_server(), "b.test", "upstream SSL certificate does not match \"b.test\""},
        {good_server(), "", "upstream SSL certificate does not match \"\""},
        {good_server(), std::string_view("a.test\0b", 8), "upstream SSL certificate does not match \"a.test\\0b\""},
        {good_server(), "127.0.0.1", ""},
        {good_server(), "127.0.0.2", "upstream SSL certificate does not match \"127.0.0.2\""},
        {good_server(), "[::1]", ""},
        {good_server(), "[::2]", "upstream SSL certificate does not match \"::2\""},
        {common_name, "b.test", ""},
        {common_name, "a.test", "upstream SSL certificate does not match \"a.test\""},
        {stranger, "a.test", "upstream SSL certificate verify error: (21:unable to verify the first certificate)"},
        {alone, "a.test", "upstream SSL certificate verify error: (18:self-signed certificate)"},
        {expired, "a.test", "upstream SSL certificate verify error: (10:certificate has expired)"},
        {unborn, "a.test", "upstream SSL certificate verify error: (9:certificate is not yet valid)"},
    };
    for (auto& c : cases) {
        std::string want(c.want);
        if (size_t at = want.find("\\0"); at != want.npos) want.replace(at, 2, 1, '\0');
        for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            EXPECT_EQ(outcome_with(strict(), c.holder, c.name, version), want) << c.name;
            EXPECT_EQ(outcome_with(careless(), c.holder, c.name, version), "") << c.name;
        }
    }
}

TEST(TlsClientTrust, chains_are_no_longer_than_allowed) {
    Holder between({.name = "between", .alt_names = "", .is_authority = true}, &authority());
    Holder deep({.name = "deep", .alt_names = "", .is_authority = true}, &between);
    Holder server({}, &deep);
    std::string chain = authority().certificate() + between.certificate() + deep.certificate();
    for (int depth : {0, 1, 2, 3}) {
        TlsClientSettings settings = strict();
        settings.trusted_certificates.bytes = chain;
        settings.verify_depth = depth;
        std::string too_long = "upstream SSL certificate verify error: (2:unable to get issuer certificate)";
        std::string want = depth >= 2 ? "" : too_long;
        EXPECT_EQ(outcome_with(settings, server, "a.test"), want) << depth;
    }
}

TEST(TlsClientTrust, revoked_certificates_are_refused) {
    Holder other({}, &authority());
    std::string lists[] = {authority().crl(&good_server()), authority().crl(&other), authority().crl(nullptr)};
    std::string_view wants[] = {"upstream SSL certificate verify error: (23:certificate revoked)", "", ""};
    for (size_t i = 0; i < std::size(lists); ++i) {
        TlsClientSettings settings = strict();
        settings.revoked = {"revoked.crl", lists[i]};
        EXPECT_EQ(outcome_with(settings, good_server(), "a.test"), wants[i]) << i;
    }
    // Whoever wants lists wants one for each authority.
    Holder second({.name = "second", .alt_names = "", .is_authority = true});
    TlsClientSettings settings = strict();
    std::string list = second.crl(nullptr);
    settings.revoked = {"other.crl", list};
    EXPECT_EQ(outcome_with(settings, good_server(), "a.test"),
              "upstream SSL certificate verify error: (3:unable to get certificate CRL)");
}

// --- what servers are told

TEST_P(TlsClientTest, the_name_is_told_where_it_is_one) {
    struct {
        std::string_view name;
        bool tells;
        const char* want;
    } cases[] = {{"a.test", true, "a.test"}, {"a.test", false, nullptr},  {"", true, nullptr},
                 {"127.0.0.1", true, nullptr}, {"::1", true, nullptr}, {"[::1]", true, nullptr},
                 {std::string_view("a.test\0b", 8), true, nullptr}, {std::string_view(), true, nullptr}};
    for (auto& c : cases) {
        TlsClientSettings settings = careless();
        settings.tells_name = c.tells;
        Server server(ctx.get());
        TlsClient tls(context_of(settings), sessions, -1, c.name, "");
        ASSERT_EQ(outcome(tls, server), "");
        EXPECT_STREQ(SSL_get_servername(server.ssl(), TLSEXT_NAMETYPE_host_name), c.want) << c.name;
    }
    std::string long_name(300, 'a');
    TlsClientSettings settings = careless();
    settings.tells_name = true;
    Server server(ctx.get());
    TlsClient tls(context_of(settings), sessions, -1, long_name, "");
    EXPECT_EQ(outcome(tls, server), "");
    EXPECT_EQ(SSL_get_servername(server.ssl(), TLSEXT_NAMETYPE_host_name), nullptr);
}

int take_second(SSL*, const unsigned char** out, unsigned char* out_bytes, const unsigned char* in, unsigned int,
                void*) {
    *out_bytes = in[1 + in[0]];
    *out = in + 2 + in[0];
    return SSL_TLSEXT_ERR_OK;
}

TEST_P(TlsClientTest, protocols_are_offered_in_order) {
    SSL_CTX_set_alpn_select_cb(ctx.get(), take_second, nullptr);
    TlsClientSettings settings = careless();
    settings.alpn = {"http/1.1", "h2"};
    Server server(ctx.get());
    TlsClient tls(context_of(settings), sessions, -1, "", "");
    ASSERT_EQ(outcome(tls, server), "");
    const unsigned char* chosen = nullptr;
    unsigned int bytes = 0;
    SSL_get0_alpn_selected(tls.handshake(), &chosen, &bytes);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(chosen), bytes), "h2");
}

TEST_P(TlsClientTest, our_certificate_is_shown_to_who_asks) {
    Holder client({.name = "client", .alt_names = ""}, &authority());
    std::string certificate = client.certificate(), key = client.key_pem("secret");
    TlsClientSettings settings = strict();
    settings.certificate = {{"client.crt", certificate}, {"client.key", key}};
    settings.passwords = {"wrong", "secret"};
    CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx.get()), authority().x509()) == 1);
    SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    Server server(ctx.get());
    TlsClient tls(context_of(settings), sessions, -1, "a.test", "");
    ASSERT_EQ(outcome(tls, server), "");
    X509* shown = SSL_get0_peer_certificate(server.ssl());
    ASSERT_NE(shown, nullptr);
    EXPECT_EQ(X509_cmp(shown, client.x509()), 0);

    // Who has none is told so by an alert, in TLS 1.3 behind the handshake.
    Server other(ctx.get());
    TlsClient bare(context_of(strict()), sessions, -1, "a.test", "");
    Progress progress = shake_hands(bare, other);
    EXPECT_EQ(progress, is_tls_1_3() ? Progress::done : Progress::failed);
    if (is_tls_1_3()) {
        EXPECT_TRUE(bare.settle());
        EXPECT_EQ(received(bare, other.sent()), "<fault>");
    }
    EXPECT_NE(bare.fault().find("alert"), std::string::npos) << bare.fault();
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsClientTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return version.param == TLS1_2_VERSION ? "tls1_2" : "tls1_3"; });

}  // namespace
}  // namespace ringx

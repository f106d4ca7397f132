// net/tls_client_faults_test.cc - upstream servers that break the protocol, or only bend it.
//
// Whatever they say, it is a fault with a reason, or harmless.
#include "net/tls_client.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "t/unit/net/tls_client_scene.h"

namespace ringx {
namespace {

using namespace tls_test;

using Progress = TlsClient::Progress;

class TlsClientFaultsTest : public BothVersions {};

TEST(TlsClientFaults, what_is_no_handshake_is_said) {
    struct {
        std::string_view bytes, want;
    } cases[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "wrong version number"},
        {std::string_view("\x15\x03\x03\x00\x02\x02\x28", 7), "handshake failure"},
        {std::string_view("\x15\x03\x03\x00\x02\x02\x46", 7), "protocol version"},
        {std::string_view("\x16\x03\x03\xff\xff", 5), ""},
        {std::string_view("\x17\x03\x03\x00\x01\x00", 6), ""},
        {std::string_view("\x16\x03\x03\x00\x04\x0e\x00\x00\x00", 9), "unexpected message"},
        {std::string_view("\x14\x03\x03\x00\x01\x01", 6), ""},
    };
    for (auto& c : cases) {
        TlsClientSessions sessions;
        TlsClient tls(context_of(careless()), sessions, -1, "", "");
        ASSERT_EQ(tls.shake_hands(), Progress::hungry);
        tls.take_unsent();
        tls.push(lease_of(c.bytes));
        ASSERT_EQ(tls.shake_hands(), Progress::failed) << c.bytes;
        EXPECT_TRUE(tls.fault().starts_with(" (SSL: error:")) << tls.fault();
        EXPECT_NE(tls.fault().find(c.want), std::string::npos) << tls.fault();
    }
}

TEST_P(TlsClientFaultsTest, changed_bytes_are_a_fault) {
    Server server(ctx.get());
    TlsClient tls(context_of(careless()), sessions, -1, "", "");
    ASSERT_EQ(outcome(tls, server), "");
    server.write("forged");
    std::string bytes = server.sent();
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    EXPECT_EQ(received(tls, bytes, 7), "<fault>");
    EXPECT_NE(tls.fault().find("bad record mac"), std::string::npos) << tls.fault();
    EXPECT_FALSE(tls.is_closed());
    iovec part{bytes.data(), bytes.size()};
    tls.send({&part, 1}, Follows::nothing, 0);
    EXPECT_EQ(tls.error(), EPIPE);
}

TEST_P(TlsClientFaultsTest, renegotiation_is_refused) {
    if (is_tls_1_3()) GTEST_SKIP() << "there is none in TLS 1.3";
    Server server(ctx.get());
    TlsClient tls(context_of(strict()), sessions, -1, "a.test", "");
    ASSERT_EQ(outcome(tls, server), "");
    ASSERT_EQ(SSL_renegotiate(server.ssl()), 1);
    server.shake_hands();
    EXPECT_EQ(received(tls, server.sent()), "");
    server.receive(tls.take_unsent());
    EXPECT_EQ(server.read(), "");
    EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
}

TEST_P(TlsClientFaultsTest, keys_change_when_the_server_wants_it) {
    if (!is_tls_1_3()) GTEST_SKIP() << "there are no such messages in TLS 1.2";
    Server server(ctx.get());
    TlsClient tls(context_of(careless()), sessions, -1, "", "");
    ASSERT_EQ(outcome(tls, server), "");
    for (int round = 0; round < 3; ++round) {
        ASSERT_EQ(SSL_key_update(server.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
        server.write("asked");
        EXPECT_EQ(received(tls, server.sent(), 3), "asked");
        send(tls, "answered");
        server.receive(tls.take_unsent());
        EXPECT_EQ(server.read(), "answered");
    }
}

// It asks for new keys without end and never reads the answers: neither memory nor time is given to it.
TEST_P(TlsClientFaultsTest, a_server_that_asks_and_does_not_read_is_left) {
    if (!is_tls_1_3()) GTEST_SKIP() << "there are no such messages in TLS 1.2";
    Server server(ctx.get());
    TlsClient tls(context_of(careless()), sessions, -1, "", "");
    ASSERT_EQ(outcome(tls, server), "");
    std::string got;
    size_t rounds = 0;
    while (got.empty() && ++rounds < 100000) {
        for (int i = 0; i < 100; ++i) {
            ASSERT_EQ(SSL_key_update(server.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
            server.shake_hands();
        }
        got = received(tls, server.sent());
    }
    EXPECT_EQ(got, "<fault>");
    EXPECT_NE(tls.fault().find("SSL: error:"), std::string::npos) << tls.fault();
    EXPECT_LT(tls.unsent().size(), 300u * 1024);
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsClientFaultsTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return version.param == TLS1_2_VERSION ? "tls1_2" : "tls1_3"; });

}  // namespace
}  // namespace ringx

// net/tls_client_sessions_test.cc - which sessions are kept, and which connection resumes which one.
//
// Servers are OpenSSL's, in memory.
#include "net/tls_client_sessions.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "t/unit/net/tls_client_scene.h"

namespace ringx {
namespace {

using namespace tls_test;

class TlsClientSessionsTest : public BothVersions {};

TEST_P(TlsClientSessionsTest, the_next_handshake_is_a_short_one) {
    auto context = context_of(strict());
    for (int i = 0; i < 5; ++i) {
        Server server(ctx.get());
        TlsClient tls(context, sessions, -1, "a.test", "127.0.0.1:443");
        ASSERT_EQ(outcome(tls, server), "");
        EXPECT_EQ(tls.is_resumed(), i > 0) << i;
        send(tls, "asked");
        server.receive(tls.take_unsent());
        EXPECT_EQ(server.read(), "asked");
    }
    EXPECT_EQ(sessions.keys(), 1u);
}

TEST_P(TlsClientSessionsTest, a_session_is_resumed_where_it_belongs_only) {
    TlsClientSettings strict_ones = strict(), off = strict(), other_list = strict();
    off.reuses_sessions = false;
    std::string crl = authority().crl(nullptr);
    other_list.revoked = {"some.crl", crl};
    struct {
        const TlsClientSettings& settings;
        std::string_view name, address;
        bool want;
    } cases[] = {
        {off, "a.test", "127.0.0.1:443", false},         {strict_ones, "a.test", "127.0.0.1:443", false},
        {strict_ones, "a.test", "127.0.0.1:443", true},  {strict_ones, "a.test", "127.0.0.1:444", false},
        {strict_ones, "x.wild.test", "127.0.0.1:443", false}, {other_list, "a.test", "127.0.0.1:443", false},
        {careless(), "a.test", "127.0.0.1:443", false},  {off, "a.test", "127.0.0.1:443", false},
        {strict_ones, "a.test", "127.0.0.1:443", true},
    };
    for (auto& c : cases) {
        Server server(ctx.get());
        TlsClient tls(context_of(c.settings), sessions, -1, c.name, c.address);
        ASSERT_EQ(outcome(tls, server), "");
        EXPECT_EQ(tls.is_resumed(), c.want) << &c - cases;
    }
}

TEST_P(TlsClientSessionsTest, a_server_that_forgot_the_session_gets_a_whole_handshake) {
    auto context = context_of(strict());
    for (int i = 0; i < 3; ++i) {
        OwnedSslCtx forgetful = tls_test::server_ctx(good_server(), GetParam());
        Server server(forgetful.get());
        TlsClient tls(context, sessions, -1, "a.test", "127.0.0.1:443");
        ASSERT_EQ(outcome(tls, server), "");
        EXPECT_FALSE(tls.is_resumed());
    }
}

// Of many connections at once each has a session of its own in TLS 1.3.
TEST_P(TlsClientSessionsTest, sessions_of_tls_1_3_are_used_once) {
    auto context = context_of(strict());
    {
        Server server(ctx.get());
        TlsClient tls(context, sessions, -1, "a.test", "127.0.0.1:443");
        ASSERT_EQ(outcome(tls, server), "");
    }
    std::vector<bool> resumed;
    std::vector<std::unique_ptr<TlsClient>> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(std::make_unique<TlsClient>(context, sessions, -1, "a.test", "127.0.0.1:443"));
    }
    for (auto& client : clients) {
        Server server(ctx.get());
        ASSERT_EQ(outcome(*client, server), "");
        resumed.push_back(client->is_resumed());
    }
    // OpenSSL's server gives two at a time.
    EXPECT_EQ(resumed, is_tls_1_3() ? std::vector<bool>({true, true, false, false}) : std::vector<bool>(4, true));
}

// A session nobody made, which says of itself what is asked here.
OwnedSession session_of(int version, char id, int64_t made_seconds, long seconds) {
    OwnedSession session(SSL_SESSION_new());
    auto* bytes = reinterpret_cast<const unsigned char*>(&id);
    CHECK(SSL_SESSION_set_protocol_version(session.get(), version) == 1);
    CHECK(SSL_SESSION_set1_id(session.get(), bytes, 1) == 1);
    SSL_SESSION_set_time(session.get(), static_cast<long>(made_seconds));
    SSL_SESSION_set_timeout(session.get(), seconds);
    return session;
}

char id_of(const OwnedSession& session) {
    if (session == nullptr) return '-';
    unsigned int bytes = 0;
    return static_cast<char>(*SSL_SESSION_get_id(session.get(), &bytes));
}

TEST(TlsClientSessions, the_latest_is_taken_and_the_oldest_leaves) {
    TlsClientSessions sessions;
    for (char id : {'1', '2', '3', '4', '5'}) sessions.keep("a", session_of(TLS1_3_VERSION, id, 100, 10));
    std::string taken;
    for (int i = 0; i < 5; ++i) taken += id_of(sessions.take("a", 105));
    EXPECT_EQ(taken, "5432-");
    EXPECT_EQ(sessions.keys(), 0u);
    for (char id : {'1', '2'}) sessions.keep("a", session_of(TLS1_2_VERSION, id, 100, 10));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(id_of(sessions.take("a", 105)), '2');
    EXPECT_EQ(id_of(sessions.take("b", 105)), '-');
}

TEST(TlsClientSessions, what_is_over_is_not_taken) {
    TlsClientSessions sessions;
    sessions.keep("a", session_of(TLS1_3_VERSION, '1', 100, 50));
    sessions.keep("a", session_of(TLS1_3_VERSION, '2', 100, 10));
    EXPECT_EQ(id_of(sessions.take("a", 110)), '1');
    sessions.keep("b", session_of(TLS1_2_VERSION, '3', 100, 10));
    EXPECT_EQ(id_of(sessions.take("b", 109)), '3');
    EXPECT_EQ(id_of(sessions.take("b", 110)), '-');
    EXPECT_EQ(sessions.keys(), 0u);
}

TEST(TlsClientSessions, who_was_not_asked_for_longest_makes_room) {
    TlsClientSessions sessions;
    for (size_t i = 0; i < TlsClientSessions::keys_max; ++i) {
        sessions.keep(std::to_string(i), session_of(TLS1_2_VERSION, 'x', 100, 10));
    }
    EXPECT_EQ(id_of(sessions.take("0", 100)), 'x');
    sessions.keep("another", session_of(TLS1_2_VERSION, 'y', 100, 10));
    EXPECT_EQ(sessions.keys(), TlsClientSessions::keys_max);
    EXPECT_EQ(id_of(sessions.take("0", 100)), 'x');
    EXPECT_EQ(id_of(sessions.take("1", 100)), '-');
    EXPECT_EQ(id_of(sessions.take("another", 100)), 'y');
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsClientSessionsTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return version.param == TLS1_2_VERSION ? "tls1_2" : "tls1_3"; });

}  // namespace
}  // namespace ringx

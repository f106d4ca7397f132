// net/tls_sending_test.cc - what of TLS leaves together.
//
// Each send wakes the client and costs as much as sealing some kilobytes: what may wait for company does, and nothing
// else.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tls.h"
#include "t/unit/net/tls_scene.h"

namespace ringx {
namespace {

using Progress = Tls::Progress;
using tls_test::Client;
using tls_test::identity;
using tls_test::lease_of;
using tls_test::ticket_keys;

std::shared_ptr<const TlsContext> context() {
    auto made = TlsContext::make(tls_test::settings_of(identity()));
    EXPECT_TRUE(made) << made.error();
    return *made;
}

class TlsSendingTest : public testing::TestWithParam<int> {};

// To the end of it; the server's last words are still here.
void shake_hands(Tls& tls, Client& client) {
    client.shake_hands();
    tls.push(lease_of(client.sent()));
    ASSERT_EQ(tls.shake_hands(), Progress::hungry) << tls.fault();
    client.receive(tls.take_unsent());
    client.shake_hands();
    tls.push(lease_of(client.sent()));
    ASSERT_EQ(tls.shake_hands(), Progress::done) << tls.fault();
    tls.settle(false);
}

// Each send(2) is a message.
struct Messages {
    int ends[2];
    Messages() { CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0); }
    ~Messages() {
        for (int end : ends) close(end);
    }
    std::string next() {
        char bytes[100000];
        ssize_t got = recv(ends[1], bytes, sizeof bytes, MSG_DONTWAIT);
        return got > 0 ? std::string(bytes, static_cast<size_t>(got)) : std::string();
    }
};

TEST_P(TlsSendingTest, a_last_answer_leaves_with_the_end) {
    Messages messages;
    Tls tls(context(), ticket_keys(), messages.ends[0], "");
    Client client(GetParam());
    shake_hands(tls, client);
    client.receive(tls.take_unsent());
    std::string text = "the last";
    iovec part{text.data(), text.size()};
    EXPECT_EQ(tls.send({&part, 1}, Follows::end, 0), text.size());
    EXPECT_TRUE(tls.holds_back());
    EXPECT_EQ(messages.next(), "");
    tls.send_close_notify();
    EXPECT_FALSE(tls.has_unsent());
    client.receive(messages.next());
    EXPECT_EQ(client.read(), text);
    EXPECT_NE(SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN, 0);
    EXPECT_EQ(messages.next(), "");
}

TEST_P(TlsSendingTest, a_long_answer_does_not_wait_for_the_end) {
    Messages messages;
    Tls tls(context(), ticket_keys(), messages.ends[0], "");
    Client client(GetParam());
    shake_hands(tls, client);
    client.receive(tls.take_unsent());
    std::string text(20000, 'x');
    iovec part{text.data(), text.size()};
    EXPECT_EQ(tls.send({&part, 1}, Follows::end, 0), text.size());
    EXPECT_FALSE(tls.has_unsent());
    client.receive(messages.next());
    EXPECT_EQ(client.read(), text);
}

// Tickets in TLS 1.3, the server's Finished in TLS 1.2.
TEST_P(TlsSendingTest, the_last_words_of_the_handshake_leave_with_an_answer) {
    Messages messages;
    Tls tls(context(), ticket_keys(), messages.ends[0], "");
    Client client(GetParam());
    shake_hands(tls, client);
    EXPECT_TRUE(tls.holds_back());
    std::string text = "the first";
    iovec part{text.data(), text.size()};
    EXPECT_EQ(tls.send({&part, 1}, Follows::nothing, 0), text.size());
    EXPECT_FALSE(tls.has_unsent());
    client.receive(messages.next());
    EXPECT_TRUE(client.shake_hands());
    EXPECT_EQ(client.read(), text);
    EXPECT_EQ(messages.next(), "");
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsSendingTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& test) { return test.param == TLS1_2_VERSION ? "tls_1_2" : "tls_1_3"; });

}  // namespace
}  // namespace ringx

// net/tls_connect_test.cc - handshakes with upstream servers over sockets: whatever the other side does, they end.
//
// The server is OpenSSL's and lives in the test, which carries its bytes. Each operation and each answer of the engine
// fails once, and a handshake is cancelled in every turn.
#include "net/tls_connect.h"

#include <gtest/gtest.h>

#include "t/unit/http/on_faulty_engine.h"
#include "t/unit/net/tls_client_scene.h"

namespace ringx {
namespace {

using engine_test::receive_all;
using engine_test::send_all;
using tls_test::Server;

struct Ending {
    bool over = false;
    TlsConnect::Outcome outcome;
};

Conversation connect(TlsConnect& connecting, std::unique_ptr<TlsClient> tls, uint64_t limit_ms, Ending& ending) {
    ending.outcome = co_await connecting.run(std::move(tls), limit_ms);
    ending.over = true;
}

struct Received {
    bool over = false;
    Result<Lease> lease;
};

Conversation receive(Stream& stream, Received& received) {
    received.lease = co_await stream.receiver().next(5000);
    received.over = true;
}

// Our end of a connection, which is closed when nothing is in flight.
struct Link {
    Link(Loop& loop, engine_test::Pair made)
        : pair(std::move(made)), stream(loop, pair.ours.get()), connecting(loop, stream), loop(loop) {}
    ~Link() {
        stream.receiver().end();
        while (stream.receiver().in_flight()) loop.turn(2);
    }

    engine_test::Pair pair;
    Stream stream;
    TlsConnect connecting;
    Ending ending;
    Loop& loop;
};

class TlsConnectTest : public OnFaultyEngine {
 protected:
    void start(Link& link, uint64_t limit_ms = 5000, std::string_view name = "a.test") {
        auto tls = std::make_unique<TlsClient>(context, sessions, link.pair.ours.get(), name, "here");
        connect(link.connecting, std::move(tls), limit_ms, link.ending);
    }
    // What the server has received is answered.
    void carry(Link& link, Server& server) {
        std::string asked = receive_all(link.pair.theirs.get());
        if (!asked.empty()) server.receive(asked);
        server.shake_hands();
        std::string answer = server.sent();
        (void)send(link.pair.theirs.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    // "" when the stream is secure, otherwise the errno and the sentence.
    static std::string text_of(const Ending& ending) {
        if (ending.outcome) return "";
        const TlsFault& fault = ending.outcome.error();
        return fault.error.number == 0 ? fault.sentence : std::to_string(fault.error.number) + " " + fault.sentence;
    }
    // With a server that does as it should.
    std::string outcome(Link& link) {
        Server server(ctx.get());
        start(link);
        EXPECT_TRUE(until([&] {
            carry(link, server);
            return link.ending.over;
        }));
        return text_of(link.ending);
    }

    std::shared_ptr<const TlsClientContext> context = tls_test::context_of(tls_test::strict());
    TlsClientSessions sessions;
    OwnedSslCtx ctx = tls_test::server_ctx(tls_test::good_server(), TLS1_3_VERSION);
};

TEST_P(TlsConnectTest, the_stream_is_secure_then) {
    for (bool ends : {true, false}) {
        Link link(loop, tcp_pair());
        Server server(ctx.get());
        start(link);
        ASSERT_TRUE(until([&] {
            carry(link, server);
            return link.ending.over;
        }));
        ASSERT_EQ(text_of(link.ending), "");
        char text[] = "asked";
        iovec part{text, 5};
        EXPECT_EQ(link.stream.send({&part, 1}, Follows::nothing), 5);
        std::string asked;
        ASSERT_TRUE(until([&] {
            server.receive(receive_all(link.pair.theirs.get()));
            asked += server.read();
            return asked == "asked";
        }));
        server.write("answered");
        if (ends) SSL_shutdown(server.ssl());
        send_all(link.pair.theirs.get(), server.sent());
        link.pair.theirs = Fd();
        Received first, last;
        receive(link.stream, first);
        ASSERT_TRUE(until([&] { return first.over; }));
        ASSERT_TRUE(first.lease);
        EXPECT_EQ(first.lease->view(), "answered");
        receive(link.stream, last);
        ASSERT_TRUE(until([&] { return last.over; }));
        EXPECT_EQ(link.stream.tls()->is_closed(), ends);
    }
    EXPECT_EQ(sessions.keys(), 1u);
}

TEST_P(TlsConnectTest, the_wrong_server_is_no_secure_stream) {
    Link link(loop, tcp_pair());
    Server server(ctx.get());
    start(link, 5000, "b.test");
    ASSERT_TRUE(until([&] {
        carry(link, server);
        return link.ending.over;
    }));
    EXPECT_EQ(text_of(link.ending), "upstream SSL certificate does not match \"b.test\"");
    EXPECT_EQ(link.stream.tls(), nullptr);
}

TEST_P(TlsConnectTest, what_the_other_side_does_instead_is_said) {
    Server server(ctx.get());
    auto hello_of_server = [&](Link& link) {
        std::string hello;
        EXPECT_TRUE(until([&] {
            hello += receive_all(link.pair.theirs.get());
            return !hello.empty();
        }));
        server.receive(hello);
        server.shake_hands();
        return server.sent();
    };
    struct {
        std::function<std::string(Link&)> says;
        bool resets;
        std::string_view want;
    } cases[] = {
        {[](Link&) { return ""; }, false, "peer closed connection in SSL handshake"},
        {[](Link&) { return ""; }, true, "104 peer closed connection in SSL handshake"},
        {[&](Link& link) { return hello_of_server(link).substr(0, 50); }, false,
         "peer closed connection in SSL handshake"},
        {[](Link&) { return "HTTP/1.1 400 Bad Request\r\n\r\n"; }, false, "SSL_do_handshake() failed (SSL: error:"},
        {[](Link&) { return std::string("\x15\x03\x03\x00\x02\x02\x28", 7); }, false,
         "SSL_do_handshake() failed (SSL: error:"},
    };
    for (auto& c : cases) {
        Link link(loop, tcp_pair());
        start(link);
        send_all(link.pair.theirs.get(), c.says(link));
        linger hard{1, 0};
        if (c.resets) setsockopt(link.pair.theirs.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        if (!c.resets) receive_all(link.pair.theirs.get());  // or closing would reset, too
        link.pair.theirs = Fd();
        ASSERT_TRUE(until([&] { return link.ending.over; }));
        EXPECT_TRUE(text_of(link.ending).starts_with(c.want)) << text_of(link.ending);
        EXPECT_EQ(link.stream.tls(), nullptr);
    }
}

TEST_P(TlsConnectTest, a_server_that_does_not_end_the_handshake_is_not_waited_for_longer) {
    for (bool trickles : {false, true}) {
        Link link(loop, tcp_pair());
        start(link, 20);
        if (trickles) send_all(link.pair.theirs.get(), std::string_view("\x16\x03\x03\x3f\xff", 5));
        ASSERT_TRUE(until([&] {
            if (trickles) send_all(link.pair.theirs.get(), "\x02");
            return link.ending.over;
        }));
        EXPECT_EQ(text_of(link.ending), "110 upstream timed out");
    }
}

TEST_P(TlsConnectTest, a_socket_that_is_full_is_waited_for) {
    Link link(loop, unix_pair());
    std::string junk(4096, 'x');
    size_t in_front = 0;
    for (ssize_t sent = 0; sent >= 0; in_front += static_cast<size_t>(std::max<ssize_t>(sent, 0))) {
        sent = send(link.pair.ours.get(), junk.data(), junk.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    Server server(ctx.get());
    start(link);
    turn_idly();
    EXPECT_FALSE(link.ending.over);
    ASSERT_TRUE(until([&] {
        std::string got = receive_all(link.pair.theirs.get());
        size_t skipped = std::min(in_front, got.size());
        in_front -= skipped;
        if (skipped < got.size()) server.receive(std::string_view(got).substr(skipped));
        server.shake_hands();
        send_all(link.pair.theirs.get(), server.sent());
        return link.ending.over;
    }));
    EXPECT_EQ(text_of(link.ending), "");

    Link full(loop, unix_pair());
    while (send(full.pair.ours.get(), junk.data(), junk.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {}
    start(full, 20);
    ASSERT_TRUE(until([&] { return full.ending.over; }));
    EXPECT_EQ(text_of(full.ending), "110 upstream timed out");
}

TEST_P(TlsConnectTest, it_can_be_given_up_in_every_turn) {
    bool was_done = false;
    for (size_t turns = 0; !was_done; ++turns) {
        ASSERT_LT(turns, 1000u);
        Link link(loop, tcp_pair());
        Server server(ctx.get());
        start(link);
        for (size_t turn = 0; turn < turns && !link.ending.over; ++turn) {
            carry(link, server);
            loop.turn(1);
        }
        was_done = link.ending.over;
        if (was_done) break;
        link.connecting.cancel();
        link.stream.receiver().end();
        ASSERT_TRUE(until([&] { return link.ending.over; }));
        EXPECT_EQ(link.ending.outcome.error().error.number, ECANCELED);
    }
}

TEST_P(TlsConnectTest, whatever_fails_it_ends) {
    for (bool answers : {false, true}) {
        size_t faults = 1;
        for (size_t n = 1; faults > 0; ++n) {
            engine->heal();
            Link link(loop, tcp_pair());
            if (answers) engine->fail_answer(n, ECONNRESET);
            if (!answers) engine->fail_operation(n, ECONNRESET);
            std::string what = outcome(link);
            faults = engine->faults();
            EXPECT_EQ(what, faults > 0 ? "104 peer closed connection in SSL handshake" : "") << n;
        }
        engine->heal();
    }
    EXPECT_EQ(engine->in_flight(), 0u);
}

// A long key signs on a thread, and everything else goes on.
TEST_P(TlsConnectTest, a_long_key_signs_elsewhere) {
    OwnedKey key(EVP_RSA_gen(3072));
    OwnedX509 x509(X509_new());
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), 86400);
    X509_set_pubkey(x509.get(), key.get());
    CHECK(X509_sign(x509.get(), key.get(), EVP_sha256()) > 0);
    std::string certificate = tls_test::pem_of<PEM_write_bio_X509>(x509.get());
    OwnedBio bio(BIO_new(BIO_s_mem()));
    CHECK(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::string secret = tls_test::text_of(bio.get());
    TlsClientSettings shows = tls_test::strict();
    shows.certificate = {{"long.crt", certificate}, {"long.key", secret}};
    context = tls_test::context_of(shows);
    EXPECT_TRUE(context->is_slow());
    SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    Link link(loop, tcp_pair());
    EXPECT_EQ(outcome(link), "");
}

using engine_test::engine_name;
FOR_BOTH_ENGINES(TlsConnectTest);

}  // namespace
}  // namespace ringx

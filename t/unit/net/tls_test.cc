// net/tls_test.cc - TLS without sockets: every split of the bytes, both versions, and what breaks the protocol.
//
// OpenSSL's client stands on the other side, in memory. What the server wants to send stays here until it is delivered.
#include "net/tls.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "t/unit/net/tls_scene.h"

namespace ringx {
namespace {

using Progress = Tls::Progress;
using State = ReceiveFilter::State;
using tls_test::Client;
using tls_test::identity;
using tls_test::lease_of;
using tls_test::ticket_keys;

std::shared_ptr<const TlsContext> context_of(const TlsSettings& settings) {
    auto made = TlsContext::make(settings);
    EXPECT_TRUE(made) << made.error();
    return *made;
}

class TlsScene {
 protected:
    TlsScene() : context(context_of(tls_test::settings_of(identity()))) {}

    // Brings both to the end of the handshake; the server gets the client's bytes in pieces.
    void shake_hands(Tls& tls, Client& client, size_t piece = 100000) {
        Progress progress = Progress::hungry;
        for (int round = 0; round < 4 && progress == Progress::hungry; ++round) {
            client.shake_hands();
            for (std::string bytes = client.sent(); !bytes.empty() && progress == Progress::hungry;) {
                tls.push(lease_of(std::string_view(bytes).substr(0, piece)));
                bytes.erase(0, piece);
                progress = tls.shake_hands();
            }
            deliver(tls, client);
        }
        ASSERT_EQ(progress, Progress::done) << tls.fault();
        ASSERT_TRUE(client.shake_hands());
        tls.settle(false);
    }
    void deliver(Tls& tls, Client& client) { client.receive(tls.take_unsent()); }

    std::string received(Tls& tls, std::string_view bytes, size_t piece) {
        std::string text;
        while (!bytes.empty()) {
            tls.push(lease_of(bytes.substr(0, piece)));
            bytes.remove_prefix(std::min(piece, bytes.size()));
            while (tls.state() == State::ready) {
                Result<Lease> got = tls.take();
                if (!got || got->empty()) return text + (got ? "<end>" : "<fault>");
                text += got->view();
            }
        }
        return text;
    }

    std::shared_ptr<const TlsContext> context;
};

class TlsTest : public TlsScene, public testing::TestWithParam<int> {};

TEST_P(TlsTest, every_split_of_the_bytes_says_the_same) {
    for (size_t piece : {1, 2, 3, 5, 17, 1000, 100000}) {
        Tls tls(context, ticket_keys(), -1, "a.test");
        Client client(GetParam());
        shake_hands(tls, client, piece);
        client.write("hello");
        client.write(std::string(20000, 'x'));
        EXPECT_EQ(received(tls, client.sent(), piece), "hello" + std::string(20000, 'x')) << piece;
        EXPECT_EQ(tls.server_name(), "a.test");
    }
}

TEST_P(TlsTest, parts_are_sent_in_order) {
    Tls tls(context, ticket_keys(), -1, "");
    Client client(GetParam());
    shake_hands(tls, client);
    std::string one = "one", two(9000, '2'), three(70000, '3'), all = one + two + three, got;
    size_t sent = 0;
    while (sent < all.size()) {
        std::string rest = all.substr(sent);
        size_t half = rest.size() / 2;
        iovec parts[] = {{rest.data(), half}, {rest.data(), 0}, {rest.data() + half, rest.size() - half}};
        size_t taken = tls.send(parts, Follows::nothing, 0);
        ASSERT_GT(taken, 0u);
        sent += taken;
        deliver(tls, client);
        got += client.read();
    }
    EXPECT_EQ(got, all);
}

// The sizes of the records in what waits to be sent.
std::vector<size_t> records_of(std::string_view bytes) {
    std::vector<size_t> sizes;
    while (bytes.size() >= 5) {
        size_t size = static_cast<unsigned char>(bytes[3]) << 8 | static_cast<unsigned char>(bytes[4]);
        sizes.push_back(size);
        bytes.remove_prefix(std::min(bytes.size(), 5 + size));
    }
    return sizes;
}

TEST_P(TlsTest, records_grow_and_begin_small_after_a_pause) {
    Tls tls(context, ticket_keys(), -1, "");
    Client client(GetParam());
    shake_hands(tls, client);
    std::string text(64 * 1024, 'x');
    iovec part{text.data(), text.size()};
    auto sizes = [&](uint64_t now_ms) {
        EXPECT_EQ(tls.send({&part, 1}, Follows::nothing, now_ms), text.size());
        return records_of(tls.take_unsent());
    };
    auto first = sizes(10'000), second = sizes(10'900), after_pause = sizes(11'900);
    EXPECT_EQ(first.size(), 16u);
    EXPECT_LT(first.front(), 4200u);
    EXPECT_EQ(second.size(), 4u);
    EXPECT_EQ(after_pause.size(), 16u);
}

TEST_P(TlsTest, records_have_the_size_that_was_configured) {
    TlsSettings settings = tls_test::settings_of(identity());
    settings.record_bytes_max = 1000;
    Tls tls(context_of(settings), ticket_keys(), -1, "");
    Client client(GetParam());
    shake_hands(tls, client);
    std::string text(5000, 'x');
    iovec part{text.data(), text.size()};
    EXPECT_EQ(tls.send({&part, 1}, Follows::nothing, 0), 5000u);
    EXPECT_EQ(records_of(tls.unsent()).size(), 5u);
}

// Whatever was configured, and whatever the client can take, all of it arrives.
TEST_P(TlsTest, records_are_no_larger_than_either_side_allows) {
    TlsSettings settings = tls_test::settings_of(identity());
    settings.record_bytes_max = 65536;
    Tls tls(context_of(settings), ticket_keys(), -1, "");
    Client client(GetParam());
    ASSERT_EQ(SSL_set_tlsext_max_fragment_length(client.ssl(), TLSEXT_max_fragment_length_512), 1);
    shake_hands(tls, client);
    std::string text(40000, 'x');
    iovec parts[] = {{text.data(), 1000}, {text.data() + 1000, 39000}};
    EXPECT_EQ(tls.send(parts, Follows::nothing, 0), text.size());
    for (size_t bytes : records_of(tls.unsent())) EXPECT_LT(bytes, 600u);
    deliver(tls, client);
    EXPECT_EQ(client.read(), text);

    Tls other(context_of(settings), ticket_keys(), -1, "");
    Client usual(GetParam());
    shake_hands(other, usual);
    EXPECT_EQ(other.send(parts, Follows::nothing, 0), text.size());
    deliver(other, usual);
    EXPECT_EQ(usual.read(), text);
}

TEST_P(TlsTest, records_are_padded_where_that_was_configured) {
    if (GetParam() != TLS1_3_VERSION) GTEST_SKIP() << "there is no padding in TLS 1.2";
    TlsSettings settings = tls_test::settings_of(identity());
    settings.commands = {{"recordPADDING", "512"}};
    Tls tls(context_of(settings), ticket_keys(), -1, "");
    Client client(GetParam());
    shake_hands(tls, client);
    std::string text = "short";
    iovec part{text.data(), text.size()};
    EXPECT_EQ(tls.send({&part, 1}, Follows::nothing, 0), text.size());
    EXPECT_GE(records_of(tls.unsent()).front(), 512u);
    deliver(tls, client);
    EXPECT_EQ(client.read(), text);
}

TEST_P(TlsTest, the_end_is_told_from_a_fault) {
    Tls tls(context, ticket_keys(), -1, "");
    Client client(GetParam());
    shake_hands(tls, client);
    client.write("last");
    SSL_shutdown(client.ssl());
    EXPECT_EQ(received(tls, client.sent(), 7), "last<end>");

    Tls other(context, ticket_keys(), -1, "");
    Client forger(GetParam());
    shake_hands(other, forger);
    forger.write("forged");
    std::string bytes = forger.sent();
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    EXPECT_EQ(received(other, bytes, 7), "<fault>");
    EXPECT_NE(other.fault().find("bad record mac"), std::string::npos) << other.fault();
    iovec part{bytes.data(), bytes.size()};
    EXPECT_EQ(other.error(), 0);
    other.send({&part, 1}, Follows::nothing, 0);
    EXPECT_EQ(other.error(), EPIPE);
}

// A lease on the pool of some bytes.
Lease lent(BufferPool& pool, std::string_view bytes) {
    int32_t buffer = pool.take();
    CHECK(buffer >= 0 && bytes.size() <= pool.bytes());
    pool.lend(buffer, bytes.size());
    bytes.copy(pool.memory(buffer), bytes.size());
    return Lease(pool, buffer, static_cast<uint32_t>(bytes.size()));
}

TEST_P(TlsTest, buffers_are_not_kept_for_what_may_lie_long) {
    for (bool is_scarce : {false, true}) {
        BufferPool pool(4, 4096);
        Tls tls(context, ticket_keys(), -1, "");
        Client client(GetParam());
        shake_hands(tls, client);
        std::vector<Lease> others;
        while (is_scarce && others.size() < 2) others.push_back(lent(pool, "x"));
        client.write("one");
        client.write("two");
        tls.push(lent(pool, client.sent()));
        ASSERT_EQ(tls.state(), State::ready);
        EXPECT_EQ(pool.available(), is_scarce ? 2u : 3u);
        EXPECT_EQ(tls.take()->view(), "one");
        ASSERT_EQ(tls.state(), State::ready);
        EXPECT_EQ(tls.take()->view(), "two");
        EXPECT_EQ(tls.state(), State::hungry);
    }
}

TEST_P(TlsTest, what_comes_behind_the_end_is_ignored) {
    for (bool is_end : {true, false}) {
        BufferPool pool(8, 4096);
        Tls tls(context, ticket_keys(), -1, "");
        Client client(GetParam());
        shake_hands(tls, client);
        client.write("last");
        std::string bytes = client.sent();
        if (is_end) SSL_shutdown(client.ssl());
        else bytes += std::string{23, 3, 3, 0, 30} + std::string(30, '\1');
        bytes += client.sent() + bytes;
        tls.push(lent(pool, bytes));
        ASSERT_EQ(tls.state(), State::ready);
        EXPECT_EQ(tls.take()->view(), "last");
        for (int again = 0; again < 2; ++again) {
            ASSERT_EQ(tls.state(), State::ready);
            EXPECT_EQ(pool.available(), 8u);
            Result<Lease> got = tls.take();
            EXPECT_EQ(got && got->empty(), is_end);
            EXPECT_EQ(got.has_value(), is_end);
        }
        EXPECT_EQ(tls.fault().empty(), is_end);
    }
}

TEST_P(TlsTest, renegotiation_is_refused) {
    if (GetParam() != TLS1_2_VERSION) GTEST_SKIP() << "there is none in TLS 1.3";
    Tls tls(context, ticket_keys(), -1, "");
    Client client(GetParam());
    shake_hands(tls, client);
    EXPECT_EQ(SSL_renegotiate(client.ssl()), 1);
    client.shake_hands();
    EXPECT_EQ(received(tls, client.sent(), 1000), "");
    deliver(tls, client);
    EXPECT_EQ(client.read(), "");
    unsigned long error = ERR_peek_last_error();
    EXPECT_EQ(ERR_GET_REASON(error), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
}

TEST_P(TlsTest, who_asks_without_end_and_does_not_read_takes_no_memory) {
    if (GetParam() != TLS1_2_VERSION) GTEST_SKIP() << "nothing is answered at once in TLS 1.3";
    Tls tls(context, ticket_keys(), -1, "");
    Client client(GetParam());
    shake_hands(tls, client);
    RecordSealer sealer(keys_after_handshake(client.ssl(), {}, 0)->read);
    auto seal = [&](RecordType type) {
        char text[] = "x", record[sizeof text + RecordSealer::bytes_around_max];
        iovec part{text, 1};
        PartReader parts({&part, 1});
        return std::string(record, sealer.seal(type, parts, 1, record));
    };
    for (int i = 0; i < 1000; ++i) {
        std::string asks = seal(RecordType::handshake);
        EXPECT_EQ(received(tls, asks + seal(RecordType::data), 1000), "x");
    }
    EXPECT_GT(tls.unsent().size(), 1000u);
    EXPECT_LT(tls.unsent().size(), 5000u);
}

TEST_P(TlsTest, a_handshake_that_is_no_handshake_fails_with_an_alert) {
    Tls tls(context, ticket_keys(), -1, "");
    Client client(GetParam());
    client.shake_hands();
    std::string hello = client.sent();
    hello[9] = '\x7f';  // the version
    hello.resize(60);
    hello[3] = 0;
    hello[4] = 55;
    hello[6] = hello[7] = 0;
    hello[8] = 51;
    tls.push(lease_of(hello));
    EXPECT_EQ(tls.shake_hands(), Progress::failed);
    EXPECT_NE(tls.fault().find("SSL: error:"), std::string::npos);
    EXPECT_EQ(tls.unsent().substr(0, 1), "\x15");
}

// After the handshake: who seals and opens records.
struct Suite {
    const char* name;
    int version;
    bool is_ours;  // otherwise OpenSSL goes on
};
constexpr Suite suites_of_tls_1_3[] = {
    {"TLS_AES_128_GCM_SHA256", TLS1_3_VERSION, true},
    {"TLS_AES_256_GCM_SHA384", TLS1_3_VERSION, true},
    {"TLS_CHACHA20_POLY1305_SHA256", TLS1_3_VERSION, true},
    {"TLS_AES_128_CCM_SHA256", TLS1_3_VERSION, false},
};
constexpr Suite suites_of_tls_1_2[] = {
    {"ECDHE-ECDSA-AES128-GCM-SHA256", TLS1_2_VERSION, true},
    {"ECDHE-ECDSA-AES256-GCM-SHA384", TLS1_2_VERSION, true},
    {"ECDHE-ECDSA-CHACHA20-POLY1305", TLS1_2_VERSION, true},
    {"ECDHE-ECDSA-AES128-SHA", TLS1_2_VERSION, false},
};

class TlsSuiteTest : public TlsScene, public testing::TestWithParam<Suite> {
 protected:
    TlsSuiteTest() {
        TlsSettings settings = tls_test::settings_of(identity());
        settings.ciphers = "ALL";
        settings.commands = {{"Ciphersuites", "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                              "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256"}};
        context = context_of(settings);
    }
    bool is_tls_1_3() const { return GetParam().version == TLS1_3_VERSION; }
    void choose_suite(Client& client) {
        int chosen = is_tls_1_3() ? SSL_set_ciphersuites(client.ssl(), GetParam().name)
                                  : SSL_set_cipher_list(client.ssl(), GetParam().name);
        ASSERT_EQ(chosen, 1);
    }
    void send(Tls& tls, Client& client, std::string text) {
        iovec part{text.data(), text.size()};
        EXPECT_EQ(tls.send({&part, 1}, Follows::nothing, 0), text.size());
        deliver(tls, client);
    }
};

class Tls13SuiteTest : public TlsSuiteTest {};

// Without the secrets nothing is protected with keys made of nothing: OpenSSL goes on.
TEST_P(Tls13SuiteTest, secrets_nobody_told_of_make_no_keys) {
    Tls tls(context, ticket_keys(), -1, "");
    Client client(GetParam().version);
    choose_suite(client);
    for (int steps = 0; SSL_is_init_finished(tls.handshake()) == 0; ++steps) {
        ASSERT_LT(steps, 10);
        client.shake_hands();
        tls.push(lease_of(client.sent()));
        SSL_do_handshake(tls.handshake());  // and nobody watches
        client.receive(tls.take_unsent());
    }
    tls.settle(false);
    EXPECT_TRUE(client.shake_hands());
    EXPECT_NE(tls.handshake(), nullptr);
    client.write("asked");
    EXPECT_EQ(received(tls, client.sent(), 100), "asked");
    send(tls, client, "answered");
    EXPECT_EQ(client.read(), "answered");
}

TEST_P(TlsSuiteTest, both_sides_understand_each_other) {
    for (size_t piece : {1, 7, 100000}) {
        Tls tls(context, ticket_keys(), -1, "");
        Client client(GetParam().version);
        choose_suite(client);
        shake_hands(tls, client);
        EXPECT_EQ(tls.handshake() == nullptr, GetParam().is_ours);
        EXPECT_STREQ(tls.info().cipher, GetParam().name);
        for (const char* text : {"one", "another"}) {
            client.write(text);
            client.write(std::string(40000, 'x'));
            EXPECT_EQ(received(tls, client.sent(), piece), text + std::string(40000, 'x'));
            send(tls, client, text + std::string(40000, 'y'));
            EXPECT_EQ(client.read(), text + std::string(40000, 'y'));
        }
        tls.send_close_notify();
        deliver(tls, client);
        EXPECT_EQ(client.read(), "");
        EXPECT_EQ(SSL_get_shutdown(client.ssl()), SSL_RECEIVED_SHUTDOWN);
    }
}

TEST_P(Tls13SuiteTest, padding_is_taken_off) {
    Tls tls(context, ticket_keys(), -1, "");
    Client client(GetParam().version);
    choose_suite(client);
    shake_hands(tls, client);
    SSL_set_block_padding(client.ssl(), 512);
    client.write("short");
    std::string bytes = client.sent();
    EXPECT_GT(bytes.size(), 512u);
    EXPECT_EQ(received(tls, bytes, 1000), "short");
}

// RFC 8446 section 4.6.3: both sides' keys change, at once or one after the other, and again.
TEST_P(Tls13SuiteTest, keys_change_when_the_client_wants_it) {
    for (int how : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
        Tls tls(context, ticket_keys(), -1, "");
        Client client(GetParam().version);
        choose_suite(client);
        shake_hands(tls, client);
        for (int round = 0; round < 3; ++round) {
            send(tls, client, "old keys");
            EXPECT_EQ(client.read(), "old keys");
            ASSERT_EQ(SSL_key_update(client.ssl(), how), 1);
            client.write("asked");
            EXPECT_EQ(received(tls, client.sent(), 3), "asked");
            send(tls, client, "new keys");
            EXPECT_EQ(client.read(), "new keys");
            EXPECT_EQ(ERR_peek_error(), 0u);
        }
    }
}

std::string name_of(const testing::TestParamInfo<Suite>& suite) {
    std::string name = suite.param.name;
    std::ranges::replace(name, '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Tls13, TlsSuiteTest, testing::ValuesIn(suites_of_tls_1_3), name_of);
INSTANTIATE_TEST_SUITE_P(Tls12, TlsSuiteTest, testing::ValuesIn(suites_of_tls_1_2), name_of);
INSTANTIATE_TEST_SUITE_P(Tls13, Tls13SuiteTest, testing::ValuesIn(suites_of_tls_1_3), name_of);
INSTANTIATE_TEST_SUITE_P(Versions, TlsTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return version.param == TLS1_2_VERSION ? "tls1_2" : "tls1_3"; });

}  // namespace
}  // namespace ringx

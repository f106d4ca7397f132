// net/tls_settling_test.cc - where a handshake ends and our records begin: every kind of handshake, and what a client
// says right behind its last word.
//
// Whatever has happened before, both sides have to agree on the keys and on the number of the next record.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <functional>

#include "net/tls.h"
#include "t/unit/net/tls_scene.h"

namespace ringx {
namespace {

using Progress = Tls::Progress;
using State = ReceiveFilter::State;
using tls_test::Client;
using tls_test::identity;
using tls_test::lease_of;
using tls_test::ticket_keys;

using Change = void (*)(TlsSettings&);

std::shared_ptr<const TlsContext> context_of(Change change) {
    TlsSettings settings = tls_test::settings_of(identity());
    change(settings);
    auto made = TlsContext::make(settings);
    EXPECT_TRUE(made) << made.error();
    return *made;
}

// A server's connection, and what its client says.
struct Conversation {
    Conversation(std::shared_ptr<const TlsContext> context, int version)
        : tls(std::move(context), ticket_keys(), -1, ""), client(version) {}
    // However it ends, its session is good: otherwise OpenSSL's client would forget it.
    ~Conversation() { SSL_set_shutdown(client.ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }

    // Gives it to the server in pieces, and keeps what comes out.
    void give(std::string_view bytes, size_t piece) {
        while (!bytes.empty() && !is_over) {
            tls.push(lease_of(bytes.substr(0, piece)));
            bytes.remove_prefix(std::min(piece, bytes.size()));
            if (progress == Progress::hungry) {
                progress = tls.shake_hands();
                if (progress == Progress::done) tls.settle(false);
            }
            if (progress == Progress::failed) is_over = true;
            while (progress == Progress::done && !is_over && tls.state() == State::ready) {
                Result<Lease> taken = tls.take();
                is_over = !taken || taken->empty();
                if (!is_over) got += taken->view();
            }
        }
        client.receive(tls.take_unsent());
    }
    // As soon as the client may say something it does, together with the end of its handshake.
    void begin(size_t piece, const std::function<void()>& speak) {
        bool has_spoken = false;
        for (int round = 0; round < 5; ++round) {
            bool may_speak = client.shake_hands();
            if (may_speak && !std::exchange(has_spoken, true)) speak();
            give(client.sent(), piece);
        }
        ASSERT_EQ(progress, Progress::done) << tls.fault();
        ASSERT_TRUE(has_spoken);
    }
    void say(std::string text, size_t piece) {
        client.write(text);
        give(client.sent(), piece);
    }
    std::string hear(std::string text) {
        iovec part{text.data(), text.size()};
        EXPECT_EQ(tls.send({&part, 1}, Follows::nothing, 0), text.size());
        client.receive(tls.take_unsent());
        return client.read();
    }

    Tls tls;
    Client client;
    Progress progress = Progress::hungry;
    std::string got;
    bool is_over = false;
};

// A kind of handshake.
struct Kind {
    const char* name;
    int version;
    Change server = [](TlsSettings&) {};
    void (*client)(SSL*) = [](SSL*) {};
    bool resumes = false;
};

void show_certificate(SSL* ssl) {
    OwnedBio chain(BIO_new_mem_buf(identity().certificate.data(), -1)), key(BIO_new_mem_buf(identity().key.data(), -1));
    OwnedX509 certificate(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
    OwnedKey secret(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
    ASSERT_EQ(SSL_use_certificate(ssl, certificate.get()), 1);
    ASSERT_EQ(SSL_use_PrivateKey(ssl, secret.get()), 1);
}

// Early data are announced, and none are sent.
void announce_early_data(SSL* ssl) {
    size_t written = 0;
    SSL_write_early_data(ssl, "", 0, &written);
    ERR_clear_error();
}

void send_early_data(SSL* ssl) {
    size_t written = 0;
    ASSERT_EQ(SSL_write_early_data(ssl, "early", 5, &written), 1);
}

void verify(TlsSettings& settings) { settings.verify = VerifyClient::optional_no_ca; }
void take_early_data(TlsSettings& settings) { settings.early_data = true; }
void use_ids(TlsSettings& settings) {
    settings.session_tickets = false;
    settings.session_store.kind = SessionStore::Kind::builtin;
}
void ask_again(TlsSettings& settings) { settings.curves = "P-384"; }
void ask_again_and_take_early_data(TlsSettings& settings) {
    ask_again(settings);
    take_early_data(settings);
}
void make_no_tickets(TlsSettings& settings) { settings.session_tickets = false; }
void make_many_tickets(TlsSettings& settings) { settings.commands = {{"NumTickets", "7"}}; }

constexpr Kind kinds[] = {
    {"tls1_3", TLS1_3_VERSION},
    {"tls1_3_with_certificate", TLS1_3_VERSION, verify, show_certificate},
    {"tls1_3_hello_again", TLS1_3_VERSION, ask_again},
    {"tls1_3_without_tickets", TLS1_3_VERSION, make_no_tickets},
    {"tls1_3_many_tickets", TLS1_3_VERSION, make_many_tickets},
    {"tls1_3_ids", TLS1_3_VERSION, use_ids},
    {"tls1_3_takes_early_data", TLS1_3_VERSION, take_early_data},
    {"tls1_3_resumed", TLS1_3_VERSION, [](TlsSettings&) {}, [](SSL*) {}, true},
    {"tls1_3_resumed_by_id", TLS1_3_VERSION, use_ids, [](SSL*) {}, true},
    {"tls1_3_early_data_taken", TLS1_3_VERSION, take_early_data, send_early_data, true},
    {"tls1_3_early_data_announced", TLS1_3_VERSION, take_early_data, announce_early_data, true},
    {"tls1_3_early_data_refused", TLS1_3_VERSION, ask_again_and_take_early_data, send_early_data, true},
    {"tls1_2", TLS1_2_VERSION},
    {"tls1_2_with_certificate", TLS1_2_VERSION, verify, show_certificate},
    {"tls1_2_resumed", TLS1_2_VERSION, [](TlsSettings&) {}, [](SSL*) {}, true},
    {"tls1_2_resumed_by_id", TLS1_2_VERSION, use_ids, [](SSL*) {}, true},
    {"tls1_2_resumed_takes_early_data", TLS1_2_VERSION, take_early_data, [](SSL*) {}, true},
    {"tls1_2_takes_early_data", TLS1_2_VERSION, take_early_data},
};

class TlsSettlingTest : public testing::TestWithParam<Kind> {
 protected:
    TlsSettlingTest() : context(context_of(GetParam().server)) {
        if (!GetParam().resumes) return;
        Conversation first(context, GetParam().version);
        first.begin(100000, [] {});
        EXPECT_EQ(first.hear("hello"), "hello");
        session.reset(SSL_get1_session(first.client.ssl()));
    }
    void prepare(Client& client) {
        if (session != nullptr) CHECK(SSL_set_session(client.ssl(), session.get()) == 1);
        GetParam().client(client.ssl());
    }
    // Whether it was what its name says.
    void expect_kind(Conversation& talk) {
        EXPECT_EQ(SSL_session_reused(talk.client.ssl()) == 1, GetParam().resumes);
        std::string_view name = GetParam().name;
        if (name.ends_with("early_data_taken") || name.ends_with("early_data_announced")) {
            EXPECT_EQ(SSL_get_early_data_status(talk.client.ssl()), SSL_EARLY_DATA_ACCEPTED);
        }
        if (name.ends_with("early_data_refused")) {
            EXPECT_EQ(SSL_get_early_data_status(talk.client.ssl()), SSL_EARLY_DATA_REJECTED);
        }
        EXPECT_EQ(talk.tls.info().client_certificate != nullptr, name.ends_with("with_certificate"));
    }
    std::string early() const { return GetParam().client == send_early_data && !is_refused() ? "early" : ""; }
    bool is_refused() const { return std::string_view(GetParam().name).ends_with("refused"); }

    std::shared_ptr<const TlsContext> context;
    OwnedSession session;
};

TEST_P(TlsSettlingTest, what_is_said_right_behind_it_is_heard) {
    for (size_t piece : {1, 3, 100, 100000}) {
        Conversation talk(context, GetParam().version);
        prepare(talk.client);
        talk.begin(piece, [&] {
            talk.client.write("one");
            talk.client.write("two");
        });
        EXPECT_EQ(talk.got, early() + "onetwo") << piece << talk.tls.fault();
        expect_kind(talk);
        for (const char* text : {"first", "second", "third"}) {
            EXPECT_EQ(talk.hear(text), text) << piece;
            talk.got.clear();
            talk.say(text, piece);
            EXPECT_EQ(talk.got, text) << piece << talk.tls.fault();
        }
    }
}

TEST_P(TlsSettlingTest, keys_may_change_at_once) {
    if (GetParam().version != TLS1_3_VERSION) GTEST_SKIP() << "they never do in TLS 1.2";
    for (size_t piece : {1, 100000}) {
        Conversation talk(context, GetParam().version);
        prepare(talk.client);
        talk.begin(piece, [&] {
            ASSERT_EQ(SSL_key_update(talk.client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
            talk.client.write("one");
        });
        EXPECT_EQ(talk.got, early() + "one") << piece << talk.tls.fault();
        EXPECT_EQ(talk.hear("answer"), "answer");
        talk.got.clear();
        talk.say("two", piece);
        EXPECT_EQ(talk.got, "two");
    }
}

TEST_P(TlsSettlingTest, the_end_may_come_at_once) {
    Conversation talk(context, GetParam().version);
    prepare(talk.client);
    talk.begin(100000, [&] {
        talk.client.write("last");
        SSL_shutdown(talk.client.ssl());
    });
    EXPECT_EQ(talk.got, early() + "last");
    EXPECT_TRUE(talk.is_over);
    EXPECT_EQ(talk.tls.fault(), "");
    EXPECT_EQ(talk.hear("heard"), "heard");
}

INSTANTIATE_TEST_SUITE_P(Kinds, TlsSettlingTest, testing::ValuesIn(kinds),
                         [](const auto& kind) { return std::string(kind.param.name); });

// The end of a handshake of TLS 1.2 in whose last record there is more: OpenSSL has read half of it.
TEST(TlsSettling12Test, nothing_may_stand_behind_the_end_in_its_record) {
    Conversation talk(context_of([](TlsSettings&) {}), TLS1_2_VERSION);
    talk.client.shake_hands();
    talk.give(talk.client.sent(), 100000);
    talk.client.shake_hands();
    std::string flight = talk.client.sent();
    constexpr size_t end_bytes = 5 + 8 + 16 + 16;
    auto keys = keys_after_handshake(talk.client.ssl(), {}, 0);
    ASSERT_TRUE(keys);
    keys->read.sequence = 0;
    RecordOpener opener(keys->read);
    std::string last = flight.substr(flight.size() - end_bytes);
    auto opened = opener.open(last);
    ASSERT_TRUE(opened);
    std::string message(opened->bytes.data(), opened->bytes.size());
    message += std::string({1, 0, 0, 1, 0});
    iovec part{message.data(), message.size()};
    PartReader parts({&part, 1});
    char sealed[200];
    size_t bytes = RecordSealer(keys->read).seal(RecordType::handshake, parts, message.size(), sealed);
    talk.give(flight.substr(0, flight.size() - end_bytes) + std::string(sealed, bytes), 100000);
    EXPECT_TRUE(talk.is_over);
    EXPECT_NE(talk.tls.fault().find("unexpected message"), std::string::npos) << talk.tls.fault();
    EXPECT_EQ(talk.client.read(), "");
    EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE);
    ERR_clear_error();
}

}  // namespace
}  // namespace ringx

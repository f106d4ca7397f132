// net/record_layer_test.cc - records without a handshake: one side's are read by the other, and what breaks the rules.
//
// The keys are made up. That they are used as others do is shown in net/tls_test, where OpenSSL is the other side.
#include "net/record_layer.h"

#include <gtest/gtest.h>
#include <openssl/sslerr.h>

#include <algorithm>
#include <string>

namespace ringx {
namespace {

using Kind = RecordLayer::Kind;

RecordKeys keys(bool is_tls_1_3, unsigned char first) {
    RecordKeys made{.is_tls_1_3 = is_tls_1_3, .hash = Hash::sha256};
    made.key.fill(first);
    made.iv.fill(static_cast<unsigned char>(first + 1));
    made.secret.fill(static_cast<unsigned char>(first + 2));
    return made;
}

// A record of TLS 1.3 with just this inside: content, type and padding.
size_t seal_inner(const RecordKeys& with, std::string_view inner, char* to) {
    auto* at = reinterpret_cast<unsigned char*>(to);
    size_t bytes = inner.size() + 16;
    const unsigned char header[] = {23, 3, 3, static_cast<unsigned char>(bytes >> 8),
                                    static_cast<unsigned char>(bytes)};
    std::ranges::copy(header, at);
    std::unique_ptr<EVP_CIPHER_CTX, FreedBy<EVP_CIPHER_CTX_free>> context(EVP_CIPHER_CTX_new());
    int made = 0;
    EXPECT_EQ(EVP_EncryptInit_ex(context.get(), with.cipher(), nullptr, with.key.data(), with.iv.data()), 1);
    EXPECT_EQ(EVP_EncryptUpdate(context.get(), nullptr, &made, header, sizeof header), 1);
    EXPECT_EQ(EVP_EncryptUpdate(context.get(), at + 5, &made, reinterpret_cast<const unsigned char*>(inner.data()),
                                static_cast<int>(inner.size())), 1);
    EXPECT_EQ(EVP_EncryptFinal_ex(context.get(), at + 5 + made, &made), 1);
    EXPECT_EQ(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, at + 5 + inner.size()), 1);
    return 5 + bytes;
}

// Of a client, and the server that reads them.
class Scene {
 protected:
    explicit Scene(bool is_tls_1_3)
        : client(keys(is_tls_1_3, 1)), server({keys(is_tls_1_3, 1), keys(is_tls_1_3, 7)}) {}

    static std::string sealed(RecordSealer& sealer, RecordType type, std::string text) {
        iovec part{text.data(), text.size()};
        PartReader parts({&part, 1});
        std::string record(text.size() + RecordSealer::bytes_around_max, '\0');
        record.resize(sealer.seal(type, parts, text.size(), record.data()));
        return record;
    }
    std::string sealed(RecordType type, std::string text) { return sealed(client, type, std::move(text)); }
    // What the server makes of it.
    RecordLayer::Meaning read(std::string record) {
        last = std::move(record);
        auto size = server.size_of(last);
        if (!size) return size.error();
        EXPECT_EQ(*size, last.size());
        return server.read(last);
    }
    RecordLayer::Meaning read(RecordType type, std::string text) { return read(sealed(type, std::move(text))); }

    RecordSealer client;
    RecordLayer server;
    std::string last;
};

class RecordLayerTest : public Scene, public testing::TestWithParam<bool> {
 protected:
    RecordLayerTest() : Scene(GetParam()) {}
};

class KeyUpdateTest : public Scene, public testing::Test {
 protected:
    KeyUpdateTest() : Scene(true) {}
};

std::string key_update(char wants) { return {24, 0, 0, 1, wants}; }

TEST_P(RecordLayerTest, data_of_every_size_are_read) {
    for (size_t bytes : {1, 2, 15, 16, 17, 1000, 16384}) {
        std::string text(bytes, 'a');
        auto got = read(RecordType::data, text);
        EXPECT_EQ(got.kind, Kind::data);
        EXPECT_EQ(got.data, text);
    }
}

TEST_P(RecordLayerTest, parts_are_put_together) {
    std::string a = "a", b(20, 'b'), c(300, 'c'), all = a + b + c;
    for (size_t first : {1, 5, 21, 22, 321}) {
        iovec list[] = {{a.data(), 1}, {b.data(), 0}, {b.data(), 20}, {c.data(), 300}};
        PartReader parts(list);
        EXPECT_EQ(parts.count(1000), 321u);
        EXPECT_EQ(parts.count(7), 7u);
        std::string record(first + RecordSealer::bytes_around_max, '\0');
        record.resize(client.seal(RecordType::data, parts, first, record.data()));
        EXPECT_EQ(read(record).data, all.substr(0, first));
        EXPECT_EQ(parts.count(1000), 321 - first);
        EXPECT_EQ(parts.empty(), first == 321);
    }
}

TEST_P(RecordLayerTest, every_changed_bit_is_noticed) {
    std::string good = sealed(RecordType::data, "hello");
    for (size_t i = 0; i < good.size(); ++i) {
        if (i == 1 || i == 2 || i == 3 || i == 4) continue;  // the version says nothing, the length is tried below
        RecordLayer fresh({keys(GetParam(), 1), keys(GetParam(), 7)});
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 1);
        auto size = fresh.size_of(bad);
        auto got = size ? fresh.read(bad) : size.error();
        EXPECT_EQ(got.kind, Kind::fault) << i;
        EXPECT_EQ(got.alert, i == 0 && GetParam() ? Alert::unexpected_message : Alert::bad_record_mac) << i;
    }
    EXPECT_EQ(read(good).data, "hello");
}

TEST_P(RecordLayerTest, records_out_of_order_are_noticed) {
    std::string first = sealed(RecordType::data, "1"), second = sealed(RecordType::data, "2");
    EXPECT_EQ(read(second).alert, Alert::bad_record_mac);
    EXPECT_EQ(read(first).alert, Alert::bad_record_mac);
}

TEST_P(RecordLayerTest, lengths_have_limits) {
    auto header = [](size_t bytes) {
        return std::string{23, 3, 3, static_cast<char>(bytes >> 8), static_cast<char>(bytes)};
    };
    size_t bytes_max = 16384 + (GetParam() ? 256 : 2048), bytes_min = GetParam() ? 16 : 24;
    EXPECT_EQ(server.size_of(header(bytes_max)), 5 + bytes_max);
    EXPECT_EQ(server.size_of(header(bytes_max + 1)).error().alert, Alert::record_overflow);
    EXPECT_EQ(server.size_of(header(bytes_min)), 5 + bytes_min);
    EXPECT_EQ(server.size_of(header(bytes_min - 1)).error().alert, Alert::bad_record_mac);
    std::string plain = {20, 3, 3, 0, 1};  // a change of ciphers
    EXPECT_EQ(server.size_of(plain).error().alert, GetParam() ? Alert::unexpected_message : Alert::bad_record_mac);
}

// RFC 8446 section 5.4: padding makes no record longer than any may be.
TEST(RecordOpenerTest, padding_has_a_limit) {
    std::string content = "x\x17";
    for (size_t bytes : {16385, 16386}) {
        std::string text = content + std::string(bytes - content.size(), '\0');
        char record[record_plain_bytes_max + 256 + record_header_bytes];
        size_t size = seal_inner(keys(true, 1), text, record);
        RecordOpener opener(keys(true, 1));
        ASSERT_EQ(opener.size_of({record, record_header_bytes}), size);
        auto opened = opener.open({record, size});
        if (bytes > 16385) {
            EXPECT_EQ(opened.error(), Alert::record_overflow);
        } else {
            ASSERT_TRUE(opened);
            EXPECT_EQ(std::string_view(opened->bytes.data(), opened->bytes.size()), "x");
        }
    }
}

TEST_P(RecordLayerTest, the_end_is_told_from_faults) {
    EXPECT_EQ(read(RecordType::alert, {1, 0}).kind, Kind::end);
    EXPECT_EQ(read(RecordType::alert, {1, 90}).kind, Kind::nothing);  // user_canceled
    auto fatal = read(RecordType::alert, {2, 48});  // unknown_ca
    EXPECT_EQ(fatal.kind, Kind::fault);
    EXPECT_EQ(fatal.reason, SSL_R_TLSV1_ALERT_UNKNOWN_CA);
    EXPECT_EQ(fatal.alert, Alert::close_notify);  // nothing is said to it
    EXPECT_EQ(read(RecordType::alert, {1, 100}).kind, GetParam() ? Kind::fault : Kind::nothing);
    EXPECT_EQ(read(RecordType::alert, {1}).alert, Alert::decode_error);
    EXPECT_EQ(read(RecordType::alert, {1, 0, 0}).alert, Alert::decode_error);
    EXPECT_EQ(read(RecordType::change_cipher_spec, {1}).alert, Alert::unexpected_message);
    EXPECT_EQ(read(static_cast<RecordType>(24), "heartbeat").alert, Alert::unexpected_message);
}

TEST_P(RecordLayerTest, records_without_data_are_taken_for_a_while_only) {
    for (int i = 0; i < 32; ++i) EXPECT_EQ(read(RecordType::alert, {1, 90}).kind, Kind::nothing);
    EXPECT_EQ(read(RecordType::data, "x").kind, Kind::data);
    for (int i = 0; i < 32; ++i) EXPECT_EQ(read(RecordType::alert, {1, 90}).kind, Kind::nothing);
    EXPECT_EQ(read(RecordType::alert, {1, 90}).kind, Kind::fault);
}

TEST_P(RecordLayerTest, handshakes_are_over) {
    auto hello = read(RecordType::handshake, {1, 0, 0, 0});
    EXPECT_EQ(hello.kind, GetParam() ? Kind::fault : Kind::renegotiates);
}

TEST_F(KeyUpdateTest, keys_change_in_whatever_pieces_that_is_said) {
    for (char wants : {0, 1}) {
        std::string message = key_update(wants);
        for (size_t first : {5, 1, 4}) {
            EXPECT_EQ(read(RecordType::handshake, message.substr(0, first)).kind, Kind::nothing);
            if (first < 5) {
                EXPECT_EQ(read(RecordType::handshake, message.substr(first)).kind, Kind::nothing);
            }
            client.change_keys();
            EXPECT_EQ(read(RecordType::data, "new").data, "new");
            EXPECT_EQ(server.owes_key_update(), wants == 1);
            if (wants == 1) server.change_sealing_keys();
            EXPECT_FALSE(server.owes_key_update());
        }
    }
}

TEST_F(KeyUpdateTest, what_is_no_key_update_is_a_fault) {
    struct Bad {
        std::string message;
        Alert alert;
    };
    const Bad all[] = {{key_update(2), Alert::illegal_parameter},
                       {{24, 0, 0, 2, 0}, Alert::decode_error},
                       {key_update(0) + "x", Alert::unexpected_message},
                       {{4, 0, 0, 1, 0}, Alert::unexpected_message},
                       {{13}, Alert::unexpected_message}};
    for (const Bad& bad : all) {
        RecordLayer fresh({keys(true, 1), keys(true, 7)});
        RecordSealer sealer(keys(true, 1));
        std::string record = sealed(sealer, RecordType::handshake, bad.message);
        auto got = fresh.read(record);
        EXPECT_EQ(got.kind, Kind::fault);
        EXPECT_EQ(got.alert, bad.alert);
    }
    EXPECT_EQ(read(RecordType::handshake, {24, 0}).kind, Kind::nothing);
    EXPECT_EQ(read(RecordType::data, "between").alert, Alert::unexpected_message);
}

TEST_P(RecordLayerTest, worn_keys_are_due_for_a_change) {
    RecordKeys old = keys(GetParam(), 7);
    old.sequence = RecordSealer::records_a_key_max - 1;
    RecordLayer layer({keys(GetParam(), 1), old});
    EXPECT_FALSE(layer.owes_key_update());
    sealed(layer.sealer(), RecordType::data, "x");
    EXPECT_EQ(layer.owes_key_update(), GetParam());
    if (!GetParam()) return;
    layer.change_sealing_keys();
    EXPECT_FALSE(layer.owes_key_update());
}

TEST(RecordCounterTest, counts_however_the_bytes_are_cut) {
    std::string three = {23, 3, 3, 0, 2, 'a', 'b', 22, 3, 3, 0, 0, 21, 3, 3, 1, 0};
    three += std::string(256, 'x');
    for (size_t piece : {1, 2, 3, 7, 1000}) {
        RecordCounter counter;
        for (size_t at = 0; at < three.size(); at += piece) counter.add(std::string_view(three).substr(at, piece));
        EXPECT_EQ(counter.records(), 3u) << piece;
    }
}

INSTANTIATE_TEST_SUITE_P(Versions, RecordLayerTest, testing::Bool(),
                         [](const auto& version) { return version.param ? "tls1_3" : "tls1_2"; });

}  // namespace
}  // namespace ringx

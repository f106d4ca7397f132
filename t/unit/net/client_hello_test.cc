// net/client_hello_test.cc - the name in a client's first words, however they are cut.
//
// The words are those of OpenSSL's client. What is cut, spread over records or changed must be waited for, read alike,
// or have no name: nothing else.
#include "net/client_hello.h"

#include <gtest/gtest.h>

#include "t/unit/net/tls_scene.h"

namespace ringx {
namespace {

using Kind = ClientHello::Kind;

std::string hello_for(const char* name, int version) {
    tls_test::Client client(version);
    if (name != nullptr) SSL_set_tlsext_host_name(client.ssl(), name);
    client.shake_hands();
    return client.sent();
}

// The same message in records of at most so many bytes.
std::string in_records(std::string_view hello, size_t bytes_max) {
    std::string message(hello.substr(5)), records;
    for (std::string_view rest = message; !rest.empty();) {
        std::string_view part = rest.substr(0, bytes_max);
        records += hello.substr(0, 3);
        records += static_cast<char>(part.size() >> 8);
        records += static_cast<char>(part.size() & 0xff);
        records += part;
        rest.remove_prefix(part.size());
    }
    return records;
}

TEST(ClientHelloTest, has_a_name_or_none) {
    for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        ClientHello named = read_client_hello(hello_for("www.Example.com", version));
        EXPECT_EQ(named.kind, Kind::complete);
        EXPECT_EQ(named.server_name, "www.Example.com");
        ClientHello nameless = read_client_hello(hello_for(nullptr, version));
        EXPECT_EQ(nameless.kind, Kind::complete);
        EXPECT_EQ(nameless.server_name, "");
    }
}

TEST(ClientHelloTest, is_waited_for_to_its_last_byte) {
    std::string hello = hello_for("a.test", TLS1_3_VERSION);
    for (size_t bytes = 0; bytes < hello.size(); ++bytes) {
        EXPECT_EQ(read_client_hello(std::string_view(hello).substr(0, bytes)).kind, Kind::need_more) << bytes;
    }
}

TEST(ClientHelloTest, may_be_spread_over_records) {
    std::string hello = hello_for("a.test", TLS1_3_VERSION);
    for (size_t bytes : {1, 2, 3, 4, 5, 7, 64, 200}) {
        std::string records = in_records(hello, bytes);
        EXPECT_EQ(read_client_hello(records).server_name, "a.test") << bytes;
        std::string_view all_but_one = std::string_view(records).substr(0, records.size() - 1);
        EXPECT_EQ(read_client_hello(all_but_one).kind, Kind::need_more) << bytes;
    }
}

TEST(ClientHelloTest, of_something_else_is_told_at_once) {
    EXPECT_EQ(read_client_hello("GET / HTTP/1.1\r\n").kind, Kind::plain);
    EXPECT_EQ(read_client_hello("\r\n").kind, Kind::plain);
    // A handshake that begins with another message, an alert, a record that is too long, and one that is empty.
    for (std::string_view bytes : {std::string_view("\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9),
                                   std::string_view("\x16\x03\x01\x40\x01", 5),
                                   std::string_view("\x16\x03\x01\x00\x00", 5)}) {
        EXPECT_EQ(read_client_hello(bytes).kind, Kind::complete);
    }
}

TEST(ClientHelloTest, without_end_is_not_waited_for) {
    std::string hello("\x16\x03\x01\x40\x00\x01\x00\xff\xff", 9);
    hello.resize(client_hello_bytes_max - 1);
    EXPECT_EQ(read_client_hello(hello).kind, Kind::complete);  // longer than any is allowed to be
    hello[6] = '\0';
    hello[7] = '\x3f';
    EXPECT_EQ(read_client_hello(std::string_view(hello).substr(0, 16000)).kind, Kind::need_more);
}

TEST(ClientHelloTest, with_lengths_that_lie_has_no_name) {
    std::string hello = hello_for("a.test", TLS1_3_VERSION);
    for (size_t at = 9; at < hello.size(); ++at) {
        std::string broken = hello;
        broken[at] = '\xff';
        std::string name = read_client_hello(broken).server_name;
        EXPECT_TRUE(name.empty() || name.size() == 6) << at;
    }
}

}  // namespace
}  // namespace ringx

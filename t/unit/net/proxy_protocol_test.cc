// t/unit/net/proxy_protocol_test.cc - headers of the PROXY protocol, whole and in pieces.
//
// Each accepted form, and a text for each way of being wrong; every beginning of a good header asks for more.
#include "net/proxy_protocol.h"

#include <gtest/gtest.h>

namespace ringx {
namespace {

using Kind = ProxyProgress::Kind;

const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);
const std::string ipv4("\1\2\3\4\5\6\7\10\0\144\0\310", 12);

std::string binary(std::string_view rest, char first = 0x21, char family = 0x11) {
    std::string header = signature;
    header += first;
    header += family;
    header += static_cast<char>(rest.size() >> 8);
    header += static_cast<char>(rest.size());
    return header += rest;
}

std::string text_of(const ProxyProgress& progress) {
    if (!progress.header) return "nothing";
    const ProxyHeader& h = *progress.header;
    return h.address + " " + std::to_string(h.port) + " " + h.server_address + " " + std::to_string(h.server_port);
}

TEST(ProxyProtocol, tells_of_clients_and_asks_for_more_until_it_does) {
    struct {
        std::string bytes;
        std::string_view want;
    } cases[] = {
        {"PROXY TCP4 1.2.3.4 5.6.7.8 100 200\r\n", "1.2.3.4 100 5.6.7.8 200"},
        {"PROXY TCP6 ::1 2001:db8::2 1 65535\r\n", "::1 1 2001:db8::2 65535"},
        {"PROXY UNKNOWN\r\n", "nothing"},
        {"PROXY UNKNOWN ff:ff ::1 x y z\r\n", "nothing"},
        {binary(ipv4), "1.2.3.4 100 5.6.7.8 200"},
        {binary(ipv4 + std::string("\1\0\2h2", 5)), "1.2.3.4 100 5.6.7.8 200"},
        {binary(std::string(15, '\0') + "\1" + std::string(15, '\0') + "\2" + std::string("\0\1\0\2", 4), 0x21, 0x21),
         "::1 1 ::2 2"},
        {binary("", 0x20, 0), "nothing"},
        {binary(ipv4, 0x20), "nothing"},
        {binary(ipv4, 0x21, 0x12), "nothing"},
        {binary(std::string(216, '\0'), 0x21, 0x31), "nothing"},
    };
    for (auto& c : cases) {
        for (size_t length = 0; length < c.bytes.size(); ++length) {
            ProxyProgress part = parse_proxy_header(std::string_view(c.bytes).substr(0, length));
            EXPECT_EQ(part.kind, Kind::need_more) << c.bytes << " " << length;
        }
        ProxyProgress whole = parse_proxy_header(c.bytes + "GET /");
        ASSERT_EQ(whole.kind, Kind::complete) << c.bytes;
        EXPECT_EQ(whole.bytes, c.bytes.size());
        EXPECT_EQ(text_of(whole), c.want);
    }
}

TEST(ProxyProtocol, refuses_what_is_none) {
    struct {
        std::string bytes;
        std::string_view fault;
    } cases[] = {
        {"GET / HTTP/1.1\r\n", "broken header: \"GET / HTTP/1.1\""},
        {"PROXY\r\n", "broken header: \"PROXY\""},
        {"PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n", "broken header: \"PROXY TCP5 1.2.3.4 5.6.7.8 1 2\""},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", "broken header: \"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\""},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "broken header: \"PROXY TCP4 1.2.3.4 5.6.7.8 1\""},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", "broken header: \"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\""},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", "broken header: \"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\""},
        {"PROXY TCP4 host 5.6.7.8 1 2\r\n", "broken header: \"PROXY TCP4 host 5.6.7.8 1 2\""},
        {"PROXY TCP4  5.6.7.8 1 2\r\n", "broken header: \"PROXY TCP4  5.6.7.8 1 2\""},
        {"PROXY " + std::string(101, 'x'), "broken header: \"PROXY " },
        {binary(ipv4, 0x31), "unknown PROXY protocol version: 3"},
        {binary(ipv4, 0x11), "unknown PROXY protocol version: 1"},
        {binary(std::string(4081, 'x')), "header is too large"},
        {binary(ipv4.substr(1)), "header is too short"},
    };
    for (auto& c : cases) {
        ProxyProgress progress = parse_proxy_header(c.bytes);
        EXPECT_EQ(progress.kind, Kind::broken) << c.bytes;
        EXPECT_TRUE(progress.fault.starts_with(c.fault)) << progress.fault;
    }
}

TEST(ProxyProtocol, finds_tlvs_by_name_and_number) {
    std::string ssl = std::string("\x20\0\x0c\1\0\0\1\2\x22\0\4name", 15);
    std::string tlvs = std::string("\1\0\2h2", 5) + ssl + std::string("\xe0\0\0", 3);
    EXPECT_EQ(find_tlv(tlvs, "alpn"), "h2");
    EXPECT_EQ(find_tlv(tlvs, "0x01"), "h2");
    EXPECT_EQ(find_tlv(tlvs, "0xe0"), "");
    EXPECT_EQ(find_tlv(tlvs, "ssl_cn"), "name");
    EXPECT_EQ(find_tlv(tlvs, "ssl_0x22"), "name");
    EXPECT_EQ(find_tlv(tlvs, "ssl_verify"), "258");
    for (auto name : {"", "authority", "cn", "ssl_", "ssl_alpn", "ssl_version", "0x", "0x1ff", "nonsense"}) {
        EXPECT_EQ(find_tlv(tlvs, name), std::nullopt) << name;
    }
    EXPECT_EQ(find_tlv(tlvs.substr(0, 4), "alpn"), std::nullopt);
    EXPECT_EQ(find_tlv("", "alpn"), std::nullopt);
}

}  // namespace
}  // namespace ringx

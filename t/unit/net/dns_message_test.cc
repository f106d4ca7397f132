// t/unit/net/dns_message_test.cc - what is asked of name servers, and every way their answers can be wrong.
//
// Messages are put together byte by byte here, without the code under test; the question is always the same, so that
// where a name lies in a message is known: the question's at 12, the first record at 33.
#include "net/dns_message.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "t/unit/net/name_server.h"

namespace ringx {
namespace {

using namespace std::string_literals;

std::string number16(unsigned n) { return {static_cast<char>(n >> 8), static_cast<char>(n)}; }
std::string number32(uint32_t n) { return number16(n >> 16) + number16(n & 0xffff); }

std::string wire(std::string_view name) { return NameServer::wire(name); }

const std::string to_name = "\xc0\x0c";  // a pointer to the name in the question

std::string record(const std::string& owner, unsigned type, uint32_t ttl, const std::string& data) {
    return owner + number16(type) + number16(1) + number32(ttl) + number16(static_cast<unsigned>(data.size())) + data;
}

const DnsQuestion asked{.id = 0x1234, .type = DnsType::a, .name = "www.example.com"};

struct Message {
    unsigned id = 0x1234, flags = 0x8180, questions = 1;
    std::string question = wire("www.example.com") + number16(1) + number16(1);
    std::initializer_list<std::string> answers = {}, authorities = {}, more = {};

    std::string bytes() const {
        std::string out = number16(id) + number16(flags) + number16(questions);
        for (auto* section : {&answers, &authorities, &more}) out += number16(static_cast<unsigned>(section->size()));
        out += question;
        for (auto* section : {&answers, &authorities, &more}) {
            for (const std::string& one : *section) out += one;
        }
        return out;
    }
};

const std::string home = "\x7f\0\0\1"s;
const std::string ours = record(to_name, 1, 300, home);

TEST(DnsMessage, names_are_those_of_hosts) {
    std::string label(63, 'a');
    std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
    for (auto [text, want] : std::initializer_list<std::pair<std::string, std::string>>{
             {"a", "a"}, {"WWW.Example.COM.", "www.example.com"}, {"_x._tcp.y", "_x._tcp.y"}, {longest, longest}}) {
        EXPECT_EQ(dns_name(text), want);
    }
    for (const std::string& text : {""s, "."s, ".a"s, "a..b"s, "a.."s, "a b"s, "a\0b"s, "a\\b"s, "\xff"s, label + "a",
                                    longest + "a"}) {
        EXPECT_EQ(dns_name(text), std::nullopt) << text;
    }
}

TEST(DnsMessage, a_question_has_one_name_and_says_how_much_is_read) {
    std::string head = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00"s;
    std::string question = wire("www.example.com") + "\0\x1c\0\1"s;
    DnsQuestion plain{.id = 0x1234, .type = DnsType::aaaa, .name = "www.example.com"};
    EXPECT_EQ(make_dns_query(plain), head + "\0\1"s + question + "\0\0\x29\x04\xd0\0\0\0\0\0\0"s);
    plain.datagram_bytes = 0;
    EXPECT_EQ(make_dns_query(plain), head + "\0\0"s + question);
}

TEST(DnsMessage, all_kinds_of_records_are_read) {
    std::string v6 = std::string(15, '\0') + '\1';
    Message message{.answers = {record("\3WWW\7example\3com\0"s, 5, 60, "\3Web"s + "\xc0\x10"), ours,
                                record(wire("x"), 28, 1, v6), record(wire("y"), 33, 2, "\0\1\0\2\x1f\x90"s + wire("z")),
                                record(wire("t"), 16, 5, "\4text")}};
    auto answer = read_dns_answer(message.bytes(), asked);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->code, 0);
    ASSERT_EQ(answer->records.size(), 4u);  // a text is none of ours
    EXPECT_EQ(answer->records[0].owner, "www.example.com");
    EXPECT_EQ(answer->records[0].target, "web.example.com");
    EXPECT_EQ(answer->records[1].address.host_text(), "127.0.0.1");
    EXPECT_EQ(answer->records[2].address.host_text(), "::1");
    const DnsRecord& service = answer->records[3];
    EXPECT_EQ(service.priority, 1);
    EXPECT_EQ(service.weight, 2);
    EXPECT_EQ(service.port, 8080);
    EXPECT_EQ(service.target, "z");
}

TEST(DnsMessage, cut_off_anywhere_it_is_malformed) {
    std::string soa = wire("ns") + wire("host") + number32(1) + number32(2) + number32(3) + number32(4) + number32(5);
    Message message{.answers = {record(to_name, 5, 60, wire("a.b")), record(wire("a.b"), 1, 60, home)},
                    .authorities = {record(wire("com"), 6, 900, soa)},
                    .more = {"\0\0\x29\x04\xd0\0\0\0\0\0\0"s}};
    std::string bytes = message.bytes();
    auto whole = read_dns_answer(bytes, asked);
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->negative_ttl, 5u);
    for (size_t size = 0; size < bytes.size(); ++size) {
        auto part = read_dns_answer(bytes.substr(0, size), asked);
        ASSERT_FALSE(part) << size;
        EXPECT_EQ(part.error(), DnsFault::malformed) << size;
    }
}

TEST(DnsMessage, an_answer_to_another_question_is_none) {
    using Fault = DnsFault;
    struct {
        Message message;
        Fault want;
    } cases[] = {
        {{.id = 0x1235}, Fault::other_question},
        {{.flags = 0x0100}, Fault::not_an_answer},
        {{.flags = 0x8980}, Fault::not_an_answer},  // another opcode
        {{.questions = 0, .question = ""}, Fault::malformed},
        {{.questions = 2}, Fault::malformed},
        {{.question = wire("www.example.org") + "\0\1\0\1"s}, Fault::other_question},
        {{.question = wire("www.example.com") + "\0\x1c\0\1"s}, Fault::other_question},
        {{.question = wire("www.example.com") + "\0\1\0\3"s}, Fault::other_question},
        {{.question = "\x0fwww.example.com\0\0\1\0\1"s}, Fault::other_question},  // one label with dots
    };
    for (const auto& [message, want] : cases) {
        auto answer = read_dns_answer(message.bytes(), asked);
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error(), want);
    }
    Message shouted{.question = wire("WWW.EXAMPLE.COM") + "\0\1\0\1"s};
    EXPECT_TRUE(read_dns_answer(shouted.bytes(), asked));
}

TEST(DnsMessage, names_that_lead_astray_are_malformed) {
    std::string at = "\xc0\x21"s;  // where the first record begins
    std::string label(63, 'a');
    std::string too_long;
    for (int i = 0; i < 4; ++i) too_long += '\x3f' + label;
    for (const std::string& owner : {
             at, "\1a" + at, "\xc0\x22"s, "\xff\xff"s, "\xc0\x00"s, "\xc0\x0b"s, "\x40" + label + "a\0"s,
             "\x80" + label + "\0"s, too_long + '\0', "\x3f" + label + "\xc0"}) {
        auto answer = read_dns_answer(Message{.answers = {record(owner, 1, 60, home)}}.bytes(), asked);
        ASSERT_FALSE(answer) << owner;
        EXPECT_EQ(answer.error(), DnsFault::malformed);
    }
    // Two records, each of whose names points to the other's.
    std::string first = record("\1a\xc0\x33"s, 1, 60, home), second = record("\1b\xc0\x21"s, 1, 60, home);
    EXPECT_FALSE(read_dns_answer(Message{.answers = {first, second}}.bytes(), asked));
}

TEST(DnsMessage, data_of_another_size_than_it_says_is_malformed) {
    for (const std::string& bad : {
             record(to_name, 1, 1, "\1\2\3"s), record(to_name, 1, 1, "\1\2\3\4\5"s), record(to_name, 28, 1, home),
             record(to_name, 5, 1, wire("a") + "x"), record(to_name, 5, 1, ""), record(to_name, 5, 1, "\1a"s),
             record(to_name, 33, 1, "\0\0\0\0\0"s), record(to_name, 33, 1, "\0\0\0\0\0\0"s)}) {
        EXPECT_FALSE(read_dns_answer(Message{.answers = {bad, ours}}.bytes(), asked));
    }
}

TEST(DnsMessage, a_record_nobody_can_use_does_not_spoil_the_others) {
    Message message{.answers = {record("\3a.b\0"s, 1, 60, home), record(to_name, 5, 60, "\2a \0"s), ours}};
    auto answer = read_dns_answer(message.bytes(), asked);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->records.size(), 1u);
}

TEST(DnsMessage, what_was_truncated_has_no_records) {
    std::string bytes = Message{.flags = 0x8380, .answers = {ours, ours}}.bytes();
    auto answer = read_dns_answer(bytes.substr(0, bytes.size() - 5), asked);
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->truncated);
    EXPECT_TRUE(answer->records.empty());
}

TEST(DnsMessage, a_refusal_may_be_a_head_alone) {
    auto refused = read_dns_answer(Message{.flags = 0x8181, .questions = 0, .question = ""}.bytes(), asked);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, 1);
}

TEST(DnsMessage, times_beyond_all_measure_are_none) {
    for (auto [ttl, want] : std::initializer_list<std::pair<uint32_t, uint32_t>>{
             {0, 0}, {0x7fffffff, 0x7fffffff}, {0x80000000, 0}, {0xffffffff, 0}}) {
        auto answer = read_dns_answer(Message{.answers = {record(to_name, 1, ttl, home)}}.bytes(), asked);
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->records[0].ttl, want);
    }
}

TEST(DnsMessage, aliases_are_followed_and_nothing_else_is_believed) {
    Message message{.answers = {record(wire("c"), 1, 9, home), record(wire("b"), 5, 7, wire("c")),
                                record(to_name, 5, 8, wire("b")), record(wire("bank.example"), 1, 1, "\6\6\6\6"s)}};
    auto answer = read_dns_answer(message.bytes(), asked);
    ASSERT_TRUE(answer);
    auto found = find_in(*answer, "www.example.com", DnsType::a);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, "c");
    EXPECT_EQ(found->ttl, 7u);
    EXPECT_EQ(found->aliases, 2u);
    ASSERT_EQ(found->records.size(), 1u);
    EXPECT_EQ(found->records[0]->address.host_text(), "127.0.0.1");

    auto elsewhere = find_in(*answer, "www.example.com", DnsType::aaaa);
    ASSERT_TRUE(elsewhere);
    EXPECT_EQ(elsewhere->name, "c");
    EXPECT_TRUE(elsewhere->records.empty());
}

TEST(DnsMessage, aliases_that_lead_around_lead_nowhere) {
    Message message{.answers = {record(to_name, 5, 8, wire("b")), record(wire("b"), 5, 7, to_name)}};
    auto answer = read_dns_answer(message.bytes(), asked);
    ASSERT_TRUE(answer);
    EXPECT_FALSE(find_in(*answer, "www.example.com", DnsType::a));
    Message itself{.answers = {record(to_name, 5, 8, to_name)}};
    answer = read_dns_answer(itself.bytes(), asked);
    ASSERT_TRUE(answer);
    EXPECT_FALSE(find_in(*answer, "www.example.com", DnsType::a));
}

}  // namespace
}  // namespace ringx

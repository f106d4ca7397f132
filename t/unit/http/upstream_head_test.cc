// http/upstream_head_test.cc - heads of responses from upstream: what they mean, and what is none.
//
// What is wrong is wrong for the same reason however the bytes are split.
#include "http/upstream_head.h"

#include <gtest/gtest.h>

#include <string>

namespace ringx::http {
namespace {

using Kind = UpstreamHeadParser::Progress::Kind;
using BodyFraming = UpstreamHead::Framing;

struct Parsed {
    UpstreamHeadParser::Progress progress;
    UpstreamHead head;
};

// Fed in pieces of that size, as they would come.
Parsed parse(std::string_view text, Method method = Method::get, size_t piece = 100000,
             UpstreamHeadParser::Limits limits = {}) {
    Parsed parsed;
    UpstreamHeadParser parser;
    for (size_t bytes = 0; bytes < text.size() && parsed.progress.kind == Kind::need_more;) {
        bytes = std::min(text.size(), bytes + piece);
        parsed.progress = parser.parse(text.substr(0, bytes), method, parsed.head, limits);
    }
    return parsed;
}

std::string reason(std::string_view text, UpstreamHeadParser::Limits limits = {}) {
    std::string first;
    for (size_t piece : {size_t{100000}, size_t{1}, size_t{2}, size_t{7}}) {
        Parsed parsed = parse(text, Method::get, piece, limits);
        EXPECT_EQ(parsed.progress.kind, Kind::bad) << text;
        if (first.empty()) first = parsed.progress.reason;
        EXPECT_EQ(parsed.progress.reason, first) << text;
    }
    return first;
}

TEST(UpstreamHeadTest, says_the_same_however_it_is_split) {
    std::string text = "HTTP/1.1 404 Not There\r\nContent-Type: text/plain\r\nX-Own:  a b \t\r\n"
                       "Content-Length: 5\r\n\r\n";
    std::string with_body = text + "hello";
    for (size_t piece = 1; piece <= text.size(); ++piece) {
        Parsed parsed = parse(with_body, Method::get, piece);
        ASSERT_EQ(parsed.progress.kind, Kind::done) << piece;
        EXPECT_EQ(parsed.progress.head_bytes, text.size());
        EXPECT_EQ(parsed.head.status, 404);
        EXPECT_EQ(parsed.head.reason, "Not There");
        EXPECT_EQ(parsed.head.find("x-own")->value, "a b");
        EXPECT_EQ(parsed.head.find(UpstreamField::content_type)->value, "text/plain");
        EXPECT_EQ(parsed.head.framing, BodyFraming::length);
        EXPECT_EQ(parsed.head.content_length, 5u);
        EXPECT_TRUE(parsed.head.keep_alive);
        EXPECT_EQ(parsed.head.fields.size(), 3u);
    }
}

TEST(UpstreamHeadTest, status_lines) {
    for (const char* good : {"HTTP/1.1 200 OK", "HTTP/1.0 200 ", "HTTP/1.1 200", "HTTP/1.1 999 x",
                             "HTTP/1.1 100 \xff"}) {
        EXPECT_EQ(parse(std::string(good) + "\r\n\r\n").progress.kind, Kind::done) << good;
    }
    for (const char* bad : {"", "hello", "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 2000 x", "HTTP/1.1 099 x",
                            "HTTP/2.0 200 OK", "http/1.1 200 OK", " HTTP/1.1 200 OK", "HTTP/1.1  200 OK",
                            "HTTP/1.1\t200 OK", "HTTP/1.12 200", "HTTP/1.1 200OK", "ICY 200 OK", "HTTP/1.1 -20 x"}) {
        EXPECT_EQ(reason(std::string(bad) + "\r\n\r\n"), "upstream sent no valid HTTP/1.0 header") << bad;
    }
}

TEST(UpstreamHeadTest, lines_end_in_lf_too) {
    Parsed parsed = parse("HTTP/1.1 200 OK\nA: b\r\nC: d\n\nbody");
    ASSERT_EQ(parsed.progress.kind, Kind::done);
    EXPECT_EQ(parsed.head.find("c")->value, "d");
    EXPECT_EQ(parsed.progress.head_bytes, 28u);
}

TEST(UpstreamHeadTest, what_is_no_field) {
    for (const char* bad : {"A b: c", "A : b", ": b", "A", " A: b", "\tA: b", "A: b\r\n c", "A: b\rc", "A: \x01",
                            "A: b\r\r", "\xe4: b", "A\x00: b"}) {
        EXPECT_EQ(reason("HTTP/1.1 200 OK\r\n" + std::string(bad) + "\r\n\r\n"), "upstream sent invalid header") << bad;
    }
    EXPECT_EQ(reason(std::string("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n", 27)), "upstream sent invalid header");
}

// RFC 9112 section 6.3.
TEST(UpstreamHeadTest, framing) {
    struct Case {
        const char* status;
        const char* fields;
        Method method;
        BodyFraming framing;
    };
    const Case cases[] = {
        {"200", "Content-Length: 0", Method::get, BodyFraming::length},
        {"200", "Transfer-Encoding: chunked", Method::get, BodyFraming::chunked},
        {"200", "Transfer-Encoding: Chunked", Method::post, BodyFraming::chunked},
        {"200", "A: b", Method::get, BodyFraming::until_close},
        {"200", "Content-Length: 7", Method::head, BodyFraming::none},
        {"200", "Transfer-Encoding: chunked", Method::head, BodyFraming::none},
        {"204", "A: b", Method::get, BodyFraming::none},
        {"304", "Content-Length: 7", Method::get, BodyFraming::none},
        {"100", "A: b", Method::get, BodyFraming::none},
        {"101", "Upgrade: x", Method::get, BodyFraming::none},
    };
    for (const Case& one : cases) {
        Parsed parsed = parse("HTTP/1.1 " + std::string(one.status) + " x\r\n" + one.fields + "\r\n\r\n", one.method);
        ASSERT_EQ(parsed.progress.kind, Kind::done) << one.status << one.fields;
        EXPECT_EQ(parsed.head.framing, one.framing) << one.status << one.fields;
    }
    EXPECT_EQ(parse("HTTP/1.1 304 x\r\nContent-Length: 7\r\n\r\n").head.content_length, 7u);
}

TEST(UpstreamHeadTest, what_could_be_framed_in_two_ways_is_refused) {
    for (const char* bad : {"Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\nTransfer-Encoding: chunked",
                            "Content-Length: -5", "Content-Length: +5", "Content-Length: 5, 5", "Content-Length: 0x5",
                            "Content-Length: ", "Content-Length: 5 5", "Content-Length: 9223372036854775808",
                            "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity", "Transfer-Encoding: ",
                            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                            "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: xchunked",
                            "Transfer-Encoding: chunked;a=b"}) {
        EXPECT_NE(reason("HTTP/1.1 200 OK\r\n" + std::string(bad) + "\r\n\r\n"), "") << bad;
    }
    EXPECT_NE(reason("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), "");
}

TEST(UpstreamHeadTest, connections_are_kept_as_both_sides_know) {
    auto keeps = [](const char* version, const char* field) {
        return parse("HTTP/" + std::string(version) + " 200 OK\r\n" + field + "\r\n\r\n").head.keep_alive;
    };
    EXPECT_TRUE(keeps("1.1", "A: b"));
    EXPECT_FALSE(keeps("1.1", "Connection: close"));
    EXPECT_FALSE(keeps("1.1", "Connection: keep-alive, Close"));
    EXPECT_FALSE(keeps("1.0", "A: b"));
    EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive"));
}

TEST(UpstreamHeadTest, what_ends_here) {
    Parsed parsed = parse(
        "HTTP/1.1 200 OK\r\nX-A: 1\r\nConnection: x-A, ,Set-Cookie\r\nKeep-Alive: x\r\nSet-Cookie: c\r\nTE: x\r\n"
        "Upgrade: x\r\nProxy-Connection: x\r\nTransfer-Encoding: chunked\r\nX-B: 2\r\nTrailer: x\r\n"
        "Connection: x-b\r\n\r\n");
    ASSERT_EQ(parsed.progress.kind, Kind::done);
    std::string passed;
    for (const auto& field : parsed.head.fields) {
        if (!field.hop_by_hop) passed.append(field.name).append(" ");
    }
    EXPECT_EQ(passed, "Trailer ");
    std::string many;
    for (int i = 0; i < 101; ++i) many += "a,";
    EXPECT_NE(reason("HTTP/1.1 200 OK\r\nConnection: " + many + "\r\n\r\n"), "");
}

TEST(UpstreamHeadTest, heads_have_limits) {
    UpstreamHeadParser::Limits limits{.head_bytes_max = 64, .fields_max = 3};
    std::string head = "HTTP/1.1 200 OK\r\n";
    std::string exact = head + "A: " + std::string(64 - head.size() - 3 - 4, 'x') + "\r\n\r\n";
    EXPECT_EQ(exact.size(), 64u);
    EXPECT_EQ(parse(exact, Method::get, 1, limits).progress.kind, Kind::done);
    EXPECT_EQ(parse(exact + "body", Method::get, 100, limits).progress.kind, Kind::done);
    exact.insert(20, "y");
    EXPECT_EQ(reason(exact, limits), "upstream sent too big header");
    EXPECT_EQ(reason(head + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n", limits), "upstream sent too many header lines");
}

TEST(UpstreamHeadTest, known_names_are_known) {
    EXPECT_EQ(recognise_upstream_field("X-ACCEL-Redirect"), UpstreamField::x_accel_redirect);
    EXPECT_EQ(recognise_upstream_field("accept-ranges"), UpstreamField::accept_ranges);
    EXPECT_EQ(recognise_upstream_field("WWW-Authenticate"), UpstreamField::www_authenticate);
    EXPECT_EQ(recognise_upstream_field("x-accel-redirected"), UpstreamField::other);
    EXPECT_EQ(recognise_upstream_field(std::string(300, 'a')), UpstreamField::other);
}

}  // namespace
}  // namespace ringx::http

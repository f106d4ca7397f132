// h1_parser_test.cc - which heads are taken, and which are refused with what status.
//
// Every table row is also parsed split at every byte and byte by byte: the answer must not depend on how they came.
#include "http/h1_parser.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "http/text.h"

namespace ringx::http {
namespace {

using Kind = Progress::Kind;

const HeadLimits defaults;

Progress parse_whole(std::string_view bytes, RequestHead& head, const HeadLimits& limits = defaults) {
    H1Parser parser;
    return parser.parse(bytes, head, limits);
}

// Feeds first `split` bytes, then all.
Progress parse_split(std::string_view bytes, size_t split, RequestHead& head, const HeadLimits& limits = defaults) {
    H1Parser parser;
    Progress progress = parser.parse(bytes.substr(0, split), head, limits);
    return progress.kind == Kind::need_more ? parser.parse(bytes, head, limits) : progress;
}

Progress parse_by_byte(std::string_view bytes, RequestHead& head, const HeadLimits& limits = defaults) {
    H1Parser parser;
    Progress progress;
    for (size_t size = 0; size <= bytes.size() && progress.kind == Kind::need_more; ++size) {
        progress = parser.parse(bytes.substr(0, size), head, limits);
    }
    return progress;
}

// The status a head is refused with, 200 if it is taken, 0 if more is needed; the same for every split.
int status_of(std::string_view bytes, const HeadLimits& limits = defaults) {
    RequestHead head;
    Progress whole = parse_whole(bytes, head, limits);
    for (size_t split = 0; split <= bytes.size(); ++split) {
        RequestHead other;
        Progress progress = parse_split(bytes, split, other, limits);
        EXPECT_EQ(progress.kind, whole.kind) << bytes << " split at " << split;
        EXPECT_EQ(progress.status, whole.status) << bytes << " split at " << split;
        EXPECT_EQ(progress.head_bytes, whole.head_bytes) << bytes << " split at " << split;
        EXPECT_STREQ(progress.reason, whole.reason) << bytes << " split at " << split;
    }
    RequestHead other;
    Progress by_byte = parse_by_byte(bytes, other, limits);
    EXPECT_EQ(by_byte.kind, whole.kind) << bytes;
    EXPECT_STREQ(by_byte.reason, whole.reason) << bytes;
    if (whole.kind == Kind::need_more) return 0;
    return whole.kind == Kind::done ? 200 : whole.status;
}

TEST(H1Parser, takes_a_browsers_request_apart) {
    std::string_view bytes =
        "GET /a/b.html?x=1&y=2 HTTP/1.1\r\n"
        "Host: WWW.Example.org:8080\r\n"
        "Connection: keep-alive\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
        "accept-ENCODING:\t gzip, br \t\r\n"
        "X-Empty:\r\n"
        "\r\nrest";
    RequestHead head;
    Progress progress = parse_whole(bytes, head);
    ASSERT_EQ(progress.kind, Kind::done);
    EXPECT_EQ(progress.head_bytes, bytes.size() - 4);
    EXPECT_EQ(head.request_line, "GET /a/b.html?x=1&y=2 HTTP/1.1");
    EXPECT_EQ(head.method, Method::get);
    EXPECT_EQ(head.method_text, "GET");
    EXPECT_EQ(head.target, "/a/b.html?x=1&y=2");
    EXPECT_EQ(head.uri, head.target);
    EXPECT_EQ(head.path, "/a/b.html");
    EXPECT_TRUE(head.has_query);
    EXPECT_EQ(head.query, "x=1&y=2");
    EXPECT_TRUE(head.path_is_plain);
    EXPECT_EQ(head.form, Target::origin);
    EXPECT_EQ(head.minor_version, 1);
    EXPECT_EQ(head.host.name, "WWW.Example.org");
    EXPECT_EQ(head.host.port, "8080");
    EXPECT_FALSE(head.host.is_lower);
    EXPECT_TRUE(head.keep_alive);
    EXPECT_EQ(head.framing, Framing::none);
    ASSERT_EQ(head.fields.size(), 5u);
    EXPECT_EQ(head.value(Header::accept_encoding), "gzip, br");
    EXPECT_EQ(head.fields[3].name, "accept-ENCODING");
    EXPECT_EQ(head.fields[4].value, "");
    EXPECT_EQ(head.find(Header::cookie), nullptr);
    ASSERT_NE(head.find("x-empty"), nullptr);
    EXPECT_EQ(head.find("X-Emptx"), nullptr);
}

TEST(H1Parser, reads_one_request_of_a_pipeline_after_the_other) {
    std::string_view bytes = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.0\r\n\r\n";
    RequestHead head;
    H1Parser parser;
    Progress first = parser.parse(bytes, head, defaults);
    ASSERT_EQ(first.kind, Kind::done);
    EXPECT_EQ(head.path, "/1");
    parser.restart();
    Progress second = parser.parse(bytes.substr(first.head_bytes), head, defaults);
    ASSERT_EQ(second.kind, Kind::done);
    EXPECT_EQ(head.path, "/2");
    EXPECT_EQ(head.method, Method::head);
    EXPECT_EQ(head.minor_version, 0);
    EXPECT_FALSE(head.keep_alive);
    EXPECT_TRUE(head.fields.empty());
    EXPECT_EQ(head.find(Header::host), nullptr);
    EXPECT_EQ(first.head_bytes + second.head_bytes, bytes.size());
}

TEST(H1Parser, knows_every_method_and_takes_any_other_token) {
    struct { std::string_view text; Method want; } cases[] = {
        {"GET", Method::get}, {"HEAD", Method::head}, {"POST", Method::post}, {"PUT", Method::put},
        {"DELETE", Method::delete_}, {"MKCOL", Method::mkcol}, {"COPY", Method::copy}, {"MOVE", Method::move},
        {"OPTIONS", Method::options}, {"PROPFIND", Method::propfind}, {"PROPPATCH", Method::proppatch},
        {"LOCK", Method::lock}, {"UNLOCK", Method::unlock}, {"PATCH", Method::patch}, {"TRACE", Method::trace},
        {"get", Method::other}, {"GETS", Method::other}, {"BREW", Method::other}, {"M-SEARCH", Method::other},
        {"X!#$%&'*+.^_`|~9", Method::other},
    };
    for (auto& c : cases) {
        std::string bytes = std::string(c.text) + " / HTTP/1.1\r\nHost: a\r\n\r\n";
        RequestHead head;
        EXPECT_EQ(parse_whole(bytes, head).kind, Kind::done) << c.text;
        EXPECT_EQ(head.method, c.want) << c.text;
        EXPECT_EQ(head.method_text, c.text);
    }
}

TEST(H1Parser, refuses_a_malformed_request_line) {
    struct { std::string_view line; int want; } cases[] = {
        {"GET / HTTP/1.1", 200}, {"GET / HTTP/1.0", 200}, {"GET / HTTP/1.9", 200},
        {"GET / HTTP/2.0", 505}, {"GET / HTTP/3.0", 505}, {"GET / HTTP/9.9", 505}, {"PRI * HTTP/2.0", 505},
        {"GET / HTTP/0.9", 400}, {"GET /", 400}, {"GET / ", 400}, {"GET", 400}, {"GET ", 400}, {"G", 400},
        {"GET / HTTP/1.10", 400}, {"GET / HTTP/11.1", 400}, {"GET / HTTP/01.1", 400}, {"GET / HTTP/1", 400},
        {"GET / HTTP/1.", 400}, {"GET / HTTP/1.x", 400}, {"GET / HTTP/x.1", 400}, {"GET / http/1.1", 400},
        {"GET / HTTQ/1.1", 400}, {"GET / HTTP 1.1", 400}, {"GET / HTTP/1.1 ", 400}, {"GET / HTTP/1.1\t", 400},
        {"GET / HTTP/+.1", 400}, {"GET / HTTP/1,1", 400}, {"GET HTTP/1.1", 400}, {"GET  HTTP/1.1", 400},
        {"GET  / HTTP/1.1", 400}, {"GET /  HTTP/1.1", 400}, {"GET\t/ HTTP/1.1", 400}, {"GET /\tHTTP/1.1", 400},
        {"GET / x HTTP/1.1", 400}, {"GET /a\tb HTTP/1.1", 400}, {"GET /a?b c HTTP/1.1", 400},
        {"GET /a#b c HTTP/1.1", 400}, {" GET / HTTP/1.1", 400}, {"\tGET / HTTP/1.1", 400}, {"G(T / HTTP/1.1", 400},
        {"G\"T / HTTP/1.1", 400}, {"GET: / HTTP/1.1", 400}, {"\x16\x03\x01", 400}, {"\xc3\xa9 / HTTP/1.1", 400},
        {"GET /\x7f HTTP/1.1", 400}, {"GET /\x01 HTTP/1.1", 400}, {"GET /\x80\xff HTTP/1.1", 200},
        {"GET / HTTP/1.1\r", 400}, {"GET /\rHTTP/1.1", 400}, {"GET /\nHTTP/1.1", 400},
        {"GET u HTTP/1.1", 400}, {"GET ?x HTTP/1.1", 400}, {"GET #x HTTP/1.1", 400}, {"GET * HTTP/1.1", 400},
        {"GET *x HTTP/1.1", 400}, {"OPTIONS * HTTP/1.1", 200}, {"OPTIONS ** HTTP/1.1", 400},
        {"OPTIONS / HTTP/1.1", 200}, {"CONNECT a:443 HTTP/1.1", 200}, {"CONNECT [::1]:443 HTTP/1.1", 200},
        {"CONNECT a HTTP/1.1", 400}, {"CONNECT a: HTTP/1.1", 400}, {"CONNECT / HTTP/1.1", 400},
        {"CONNECT http://a:1/ HTTP/1.1", 400}, {"CONNECT a:65536 HTTP/1.1", 400}, {"GET a:443 HTTP/1.1", 400},
        {"GET http://a/ HTTP/1.1", 200}, {"GET HTTPS://a/ HTTP/1.1", 200}, {"GET http:/a/ HTTP/1.1", 400},
        {"GET http://a HTTP/1.1", 200}, {"GET http:///x HTTP/1.1", 400}, {"GET http://?x HTTP/1.1", 400},
        {"GET http:// HTTP/1.1", 400}, {"GET http HTTP/1.1", 400}, {"GET ftp://a/ HTTP/1.1", 400},
        {"GET http://u@a/ HTTP/1.1", 400}, {"GET http://a b/ HTTP/1.1", 400}, {"GET http://a:b/ HTTP/1.1", 400},
        {"GET http://a? x HTTP/1.1", 400}, {"GET http://a\\b/ HTTP/1.1", 400}, {"GET //a/b HTTP/1.1", 200},
    };
    for (auto& c : cases) {
        EXPECT_EQ(status_of(std::string(c.line) + "\r\nHost: a\r\n\r\n"), c.want) << c.line;
    }
    EXPECT_EQ(status_of(std::string_view("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28)), 400);
}

TEST(H1Parser, splits_the_target) {
    struct { std::string_view target, path, query, uri, host; bool has_query, is_plain; } cases[] = {
        {"/", "/", "", "/", "h", false, true},
        {"/?", "/", "", "/?", "h", true, true},
        {"/a?b?c", "/a", "b?c", "/a?b?c", "h", true, true},
        {"/a#b?c", "/a", "", "/a#b?c", "h", false, true},
        {"/a?b#c", "/a", "b", "/a?b#c", "h", true, true},
        {"/a%20b", "/a%20b", "", "/a%20b", "h", false, false},
        {"/a?%20//", "/a", "%20//", "/a?%20//", "h", true, true},
        {"//a", "//a", "", "//a", "h", false, false},
        {"/a//", "/a//", "", "/a//", "h", false, false},
        {"/a/./b", "/a/./b", "", "/a/./b", "h", false, false},
        {"/..", "/..", "", "/..", "h", false, false},
        {"/a.b/c.", "/a.b/c.", "", "/a.b/c.", "h", false, true},
        {"http://A.b:1/c?d", "/c", "d", "/c?d", "A.b", true, true},
        {"https://x", "/", "", "/", "x", false, true},
        {"http://x?y#z", "/", "y", "?y#z", "x", true, true},
        {"http://x#z", "/", "", "#z", "x", false, true},
    };
    for (auto& c : cases) {
        std::string bytes = "GET " + std::string(c.target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
        RequestHead head;
        ASSERT_EQ(parse_whole(bytes, head).kind, Kind::done) << c.target;
        EXPECT_EQ(head.target, c.target);
        EXPECT_EQ(head.path, c.path) << c.target;
        EXPECT_EQ(head.query, c.query) << c.target;
        EXPECT_EQ(head.uri, c.uri) << c.target;
        EXPECT_EQ(head.host.name, c.host) << c.target;
        EXPECT_EQ(head.has_query, c.has_query) << c.target;
        EXPECT_EQ(head.path_is_plain, c.is_plain) << c.target;
    }
}

TEST(H1Parser, wants_exactly_one_good_host) {
    struct { std::string_view line, fields; int want; } cases[] = {
        {"GET / HTTP/1.1", "Host: a\r\n", 200},
        {"GET / HTTP/1.1", "", 400},
        {"GET / HTTP/1.0", "", 200},
        {"GET / HTTP/1.1", "Host: a\r\nHost: a\r\n", 400},
        {"GET / HTTP/1.0", "Host: a\r\nHost: a\r\n", 400},
        {"GET / HTTP/1.1", "Host:\r\n", 400},
        {"GET / HTTP/1.1", "Host: a/b\r\n", 400},
        {"GET / HTTP/1.1", "Host: a b\r\n", 400},
        {"GET / HTTP/1.1", "Host: u@a\r\n", 400},
        {"GET / HTTP/1.1", "Host: a..b\r\n", 400},
        {"GET / HTTP/1.0", "Host: a\\b\r\n", 400},
        {"GET / HTTP/1.1", "Host: a, b\r\n", 400},
        {"GET / HTTP/1.1", "Ho_st: a\r\n", 400},
        {"GET http://a/ HTTP/1.1", "", 400},
        {"GET http://a/ HTTP/1.0", "", 200},
        {"GET http://a/ HTTP/1.1", "Host: b\r\n", 200},
        {"GET http://a/ HTTP/1.1", "Host: b c\r\n", 400},
        {"GET http://a/ HTTP/1.1", "Host: a\r\nHost: a\r\n", 400},
    };
    for (auto& c : cases) {
        std::string bytes = std::string(c.line) + "\r\n" + std::string(c.fields) + "\r\n";
        EXPECT_EQ(status_of(bytes), c.want) << bytes;
    }
}

// The ambiguous requests that servers have disagreed about: each is refused, or read in the one way that is left.
struct Refusal {
    std::string_view fields;
    int want;
};

std::string post(std::string_view fields) {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

TEST(H1Parser, takes_one_content_length_of_digits_only) {
    constexpr Refusal cases[] = {
        {"Content-Length: 5\r\n", 200},
        {"Content-Length:5\r\n", 200},
        {"Content-Length: 005\r\n", 200},
        {"Content-Length: 9223372036854775807\r\n", 200},
        {"Content-Length: 9223372036854775808\r\n", 400},
        {"Content-Length: 18446744073709551621\r\n", 400},
        {"Content-Length: 99999999999999999999999999\r\n", 400},
        {"Content-Length:\r\n", 400},
        {"Content-Length: +5\r\n", 400},
        {"Content-Length: -5\r\n", 400},
        {"Content-Length: 0x5\r\n", 400},
        {"Content-Length: 5_0\r\n", 400},
        {"Content-Length: 5 5\r\n", 400},
        {"Content-Length: 5a\r\n", 400},
        {"Content-Length: 5.0\r\n", 400},
        {"Content-Length: 5;\r\n", 400},
        {"Content-Length: \"5\"\r\n", 400},
        {"Content-Length: 5, 5\r\n", 400},
        {"Content-Length: 5,\r\n", 400},
        {"Content-Length: 5\xa0\r\n", 400},
        {"Content-Length: 5\x85\r\n", 400},
        {"Content-Length: 5\x0b\r\n", 400},
        {"Content-Length: 5\r\nContent-Length: 5\r\n", 400},
        {"Content-Length: 5\r\nContent-Length: 6\r\n", 400},
        {"Content-Length: 5\r\ncontent-length: 5\r\n", 400},
        {"Content-Length : 5\r\n", 400},
        {"Content-Length\t: 5\r\n", 400},
        {" Content-Length: 5\r\n", 400},
        {"\tContent-Length: 5\r\n", 400},
        {"\xa0""Content-Length: 5\r\n", 400},
        {"Content-Length\xa0: 5\r\n", 400},
        {"Content-Length\x0b: 5\r\n", 400},
        {"Content-Length\r\n", 400},
        {"Content-Length: 5\n", 400},
        {"Content-Length: 5\r", 400},
        {"Content-Length:\r\n 5\r\n", 400},
        {"Content-Length:\r\n\t5\r\n", 400},
        {"Content-\r\nLength: 5\r\n", 400},
    };
    for (auto& c : cases) EXPECT_EQ(status_of(post(c.fields)), c.want) << c.fields;
    EXPECT_EQ(status_of("POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n"), 200);
}

TEST(H1Parser, takes_chunked_alone_as_transfer_encoding) {
    constexpr Refusal cases[] = {
        {"Transfer-Encoding: chunked\r\n", 200},
        {"transfer-encoding:CHUNKED\r\n", 200},
        {"Transfer-Encoding: chunked\t \r\n", 200},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400},
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400},
        {"Content-Length: 5\r\nTransfer-Encoding: gzip\r\n", 400},
        {"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", 400},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
        {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 400},
        {"Transfer-Encoding: gzip\r\n", 501},
        {"Transfer-Encoding: identity\r\n", 501},
        {"Transfer-Encoding: gzip, chunked\r\n", 501},
        {"Transfer-Encoding: chunked, gzip\r\n", 400},
        {"Transfer-Encoding: chunked, chunked\r\n", 400},
        {"Transfer-Encoding: chunked,\r\n", 400},
        {"Transfer-Encoding: , chunked\r\n", 400},
        {"Transfer-Encoding: gzip,\r\n", 400},
        {"Transfer-Encoding:\r\n", 400},
        {"Transfer-Encoding: xchunked\r\n", 501},
        {"Transfer-Encoding: chunked;q=1\r\n", 501},
        {"Transfer-Encoding: \"chunked\"\r\n", 501},
        {"Transfer-Encoding: 'chunked'\r\n", 501},
        {"Transfer-Encoding: chunk ed\r\n", 501},
        {"Transfer-Encoding: \x0b""chunked\r\n", 400},
        {"Transfer-Encoding: chunked\xa0\r\n", 501},
        {"Transfer-Encoding : chunked\r\n", 400},
        {"Transfer-Encoding\r\n : chunked\r\n", 400},
        {"Transfer-Encoding:\r\n chunked\r\n", 400},
        {"X: y\r\n Transfer-Encoding: chunked\r\n", 400},
        {"X: y\nTransfer-Encoding: chunked\r\n", 400},
        {"X: y\rTransfer-Encoding: chunked\r\n", 400},
    };
    for (auto& c : cases) EXPECT_EQ(status_of(post(c.fields)), c.want) << c.fields;
    EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(H1Parser, refuses_malformed_fields) {
    constexpr Refusal cases[] = {
        {": chunked\r\n", 400},
        {":\r\n", 400},
        {"X\r\n", 400},
        {"X: \x01\r\n", 400},
        {"X: \x7f\r\n", 400},
        {"X: a\tb\r\n", 200},
        {"X: \x80\xff\r\n", 200},
        {"X(y): z\r\n", 400},
        {"X y: z\r\n", 400},
        {"X\x80: z\r\n", 400},
        {"\r\x0a", 200},
        {"\r\r\n", 400},
        {"\n", 400},
    };
    for (auto& c : cases) EXPECT_EQ(status_of(post(c.fields)), c.want) << c.fields;
    EXPECT_EQ(status_of(std::string_view("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 33)), 400);
    EXPECT_EQ(status_of(std::string_view("GET / HTTP/1.1\r\nHost: a\r\nX\0: y\r\n\r\n", 34)), 400);
}

TEST(H1Parser, says_how_the_body_is_framed) {
    RequestHead head;
    ASSERT_EQ(parse_whole("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 42\r\n\r\n", head).kind, Kind::done);
    EXPECT_EQ(head.framing, Framing::length);
    EXPECT_EQ(head.content_length, 42u);
    ASSERT_EQ(parse_whole("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", head).kind, Kind::done);
    EXPECT_EQ(head.framing, Framing::chunked);
    EXPECT_EQ(head.content_length, 0u);
}

TEST(H1Parser, knows_whether_the_connection_stays) {
    struct { std::string_view head; bool want; } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, CLOSE ,bar\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: ,,keep-alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nKeep-Alive: 300\r\n\r\n", false},
    };
    for (auto& c : cases) {
        RequestHead head;
        ASSERT_EQ(parse_whole(c.head, head).kind, Kind::done) << c.head;
        EXPECT_EQ(head.keep_alive, c.want) << c.head;
        ASSERT_EQ(parse_by_byte(c.head, head).kind, Kind::done) << c.head;
        EXPECT_EQ(head.keep_alive, c.want) << c.head;
    }
}

TEST(H1Parser, expects_100_continue_only_from_http_1_1) {
    struct { std::string_view head; bool want; } cases[] = {
        {"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n", true},
        {"PUT / HTTP/1.1\r\nHost: a\r\nExpect: other\r\n\r\n", false},
        {"PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", false},
    };
    for (auto& c : cases) {
        RequestHead head;
        ASSERT_EQ(parse_whole(c.head, head).kind, Kind::done) << c.head;
        EXPECT_EQ(head.expect_continue, c.want) << c.head;
    }
}

TEST(H1Parser, drops_suspect_names_as_configured) {
    std::string_view bytes = "GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\nX.Y: 1\r\nX-Z: 2\r\n\r\n";
    struct { bool underscores, ignore_invalid; size_t want; } cases[] = {
        {false, true, 2}, {true, true, 3}, {false, false, 4}, {true, false, 4},
    };
    for (auto& c : cases) {
        HeadLimits limits;
        limits.underscores_in_headers = c.underscores;
        limits.ignore_invalid_headers = c.ignore_invalid;
        RequestHead head;
        ASSERT_EQ(parse_whole(bytes, head, limits).kind, Kind::done);
        EXPECT_EQ(head.fields.size(), c.want);
        EXPECT_EQ(head.framing, Framing::none);
        EXPECT_EQ(status_of(bytes, limits), 200);
    }
}

TEST(H1Parser, skips_a_few_empty_lines_before_a_request) {
    std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(status_of("\r\n" + request), 200);
    EXPECT_EQ(status_of("\r\n\r\n\r\n\r\n" + request), 200);
    EXPECT_EQ(status_of("\r\n\r\n\r\n\r\n\r\n" + request), 400);
    EXPECT_EQ(status_of("\n" + request), 400);
    EXPECT_EQ(status_of("\r" + request), 400);
    EXPECT_EQ(status_of("\r\n"), 0);
    EXPECT_EQ(status_of(""), 0);

    H1Parser parser;
    RequestHead head;
    EXPECT_EQ(parser.parse("\r\n", head, defaults).kind, Kind::need_more);
    EXPECT_FALSE(parser.has_begun("\r\n"));
    EXPECT_TRUE(parser.has_begun("\r\nG"));
}

TEST(H1Parser, bounds_lines_heads_and_fields) {
    HeadLimits limits;
    limits.line_bytes_max = 64;
    limits.head_bytes_max = 200;
    limits.fields_max = 3;
    auto line = [](std::string_view begin, size_t bytes, std::string_view end) {
        return std::string(begin) + std::string(bytes - begin.size() - end.size() - 2, 'x') + std::string(end) + "\r\n";
    };
    auto get = [&](size_t bytes) { return line("GET /", bytes, " HTTP/1.1"); };
    auto field = [&](size_t bytes) { return line("X: ", bytes, ""); };
    std::string host = "Host: a\r\n";

    EXPECT_EQ(status_of(get(64) + host + "\r\n", limits), 200);
    EXPECT_EQ(status_of(get(65) + host + "\r\n", limits), 414);
    EXPECT_EQ(status_of(get(500), limits), 414);
    EXPECT_EQ(status_of(std::string(64, 'G'), limits), 414);
    EXPECT_EQ(status_of(get(30) + host + field(64) + "\r\n", limits), 200);
    EXPECT_EQ(status_of(get(30) + host + field(65) + "\r\n", limits), 494);
    EXPECT_EQ(status_of(get(30) + host + std::string(64, 'x'), limits), 494);
    EXPECT_EQ(status_of(get(61) + host + field(64) + field(64) + "\r\n", limits), 200);
    EXPECT_EQ(status_of(get(62) + host + field(64) + field(64) + "\r\n", limits), 494);
    EXPECT_EQ(status_of(get(30) + host + "A: b\r\nC: d\r\n\r\n", limits), 200);
    EXPECT_EQ(status_of(get(30) + host + "A: b\r\nC: d\r\nE: f\r\n\r\n", limits), 494);
    EXPECT_EQ(status_of(get(30) + host + "A_: b\r\nC_: d\r\nE_: f\r\n\r\n", limits), 494);
}

TEST(H1Parser, keeps_what_the_logs_show_of_a_refused_request) {
    struct { std::string_view bytes, line, detail; bool in_request_line; } cases[] = {
        {"\x16\x03\x01\x02", "\x16\x03\x01\x02", "", true},
        {"GET / HTTP/7.1\r\nHost: a\r\n", "GET / HTTP/7.1", "", true},
        {"GET /\x01 HTTP/1.1\r\nHost: a\r\n", "GET /\x01 HTTP/1.1", "", true},
        {"GET / HTTP/1.1\r\nX : y\r\n\r\n", "GET / HTTP/1.1", "X : y", false},
        {"GET / HTTP/1.1\r\nX: \x01y\r\n\r\n", "GET / HTTP/1.1", "X: \x01", false},
        {"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", "GET / HTTP/1.1", "Host: a..b", false},
    };
    for (auto& c : cases) {
        RequestHead head;
        Progress progress = parse_whole(c.bytes, head);
        EXPECT_EQ(progress.kind, Kind::bad);
        EXPECT_EQ(head.request_line, c.line);
        EXPECT_EQ(progress.detail, c.detail);
        EXPECT_EQ(progress.in_request_line, c.in_request_line);
    }
}

// Every read must stay inside the bytes given: they end where the allocation ends, which the sanitizer watches.
TEST(H1Parser, reads_nothing_past_the_end) {
    std::string_view bytes = "GET /index.html HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n";
    for (size_t size = 0; size <= bytes.size(); ++size) {
        auto exact = std::make_unique<char[]>(size);
        bytes.copy(exact.get(), size);
        RequestHead head;
        Progress progress = parse_whole({exact.get(), size}, head);
        EXPECT_EQ(progress.kind, size == bytes.size() ? Kind::done : Kind::need_more);
    }
}

TEST(Header, is_recognised_by_each_of_its_names_in_any_case) {
    for (uint8_t i = 1; i < static_cast<uint8_t>(Header::count); ++i) {
        auto id = static_cast<Header>(i);
        std::string name(header_name(id));
        EXPECT_FALSE(name.empty());
        EXPECT_EQ(recognise_header(name), id) << name;
        for (char& c : name) {
            if (is_alpha(c)) c = static_cast<char>(c ^ 0x20);
        }
        EXPECT_EQ(recognise_header(name), id) << name;
        for (size_t at = 0; at < name.size(); ++at) {
            std::string other = name;
            other[at] = other[at] == '_' ? '!' : '_';
            EXPECT_EQ(recognise_header(other), Header::other) << other;
        }
    }
    EXPECT_EQ(recognise_header(""), Header::other);
    EXPECT_EQ(recognise_header("X"), Header::other);
}

}  // namespace
}  // namespace ringx::http

// response_reader_test.cc - the ends of responses: every framing, every split, and what is refused.
//
// Each text is also fed in two parts, split at every byte, and byte by byte: what is found must be the same.
#include "bench/response_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace ringx;
using namespace ringx::bench;
using Kind = ResponseReader::Step::Kind;

namespace {

// What was found in a stream: the statuses of the responses, then what was wrong or left.
struct Found {
    std::vector<int> statuses;
    std::string end;  // "", "head", "body", "begun" or "until close"

    friend bool operator==(const Found&, const Found&) = default;
};

void PrintTo(const Found& found, std::ostream* out) {
    for (int status : found.statuses) *out << status << ' ';
    *out << '"' << found.end << '"';
}

class Stream {
 public:
    explicit Stream(http::Method method) : reader_(method) {}

    void feed(std::string_view bytes) {
        while (!bytes.empty() && found_.end.empty()) {
            auto step = reader_.feed(bytes, known_);
            if (step.kind == Kind::bad_head) found_.end = "head";
            if (step.kind == Kind::bad_body) found_.end = "body";
            if (step.kind == Kind::done) found_.statuses.push_back(reader_.status());
            EXPECT_TRUE(step.kind != Kind::need_more || step.consumed == bytes.size());
            ASSERT_GT(step.consumed, 0u);
            ASSERT_LE(step.consumed, bytes.size());
            bytes.remove_prefix(step.consumed);
        }
    }
    Found end() {
        if (found_.end.empty() && reader_.ends_with_stream()) found_.end = "until close";
        else if (found_.end.empty() && reader_.has_begun()) found_.end = "begun";
        return found_;
    }

 private:
    ResponseReader reader_;
    KnownHead known_;
    Found found_;
};

Found read_in_parts(std::string_view text, std::vector<size_t> splits, http::Method method = http::Method::get) {
    Stream stream(method);
    size_t from = 0;
    for (size_t split : splits) {
        stream.feed(text.substr(from, split - from));
        from = split;
    }
    stream.feed(text.substr(from));
    return stream.end();
}

constexpr std::string_view hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string text_of(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (std::string_view part : parts) text += part;
    return text;
}

TEST(ResponseReader, finds_the_end_of_every_response_however_it_is_split) {
    struct {
        std::string text;
        Found want;
    } cases[] = {
        {text_of({hello}), {{200}, ""}},
        {text_of({hello, hello, hello}), {{200, 200, 200}, ""}},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {{200}, ""}},
        {"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", {{204, 304}, ""}},
        {"HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nno", {{404}, ""}},
        {text_of({"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", hello}), {{200}, ""}},
        {text_of({hello, "HTTP/1.1 100 Continue\r\n\r\n", hello}), {{200, 200}, ""}},
        {text_of({chunked, "5\r\nhello\r\n0\r\n\r\n", hello}), {{200, 200}, ""}},
        {text_of({chunked, "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n"}), {{200}, ""}},
        {"HTTP/1.1 200 OK\r\n\r\nall that comes", {{}, "until close"}},
        {"HTTP/1.0 200 OK\r\n\r\n", {{}, "until close"}},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", {{}, "begun"}},
        {text_of({chunked, "5\r\nhello\r\n0\r\n"}), {{}, "begun"}},
        {"HTTP/1.1 200 OK\r\nContent-Le", {{}, "begun"}},
        {"HTTP/1.1 100 Continue\r\n\r\n", {{}, "begun"}},
        {"", {{}, ""}},
        {"garbage\r\n\r\n", {{}, "head"}},
        {"HTTP/2.0 200 OK\r\n\r\n", {{}, "head"}},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", {{}, "head"}},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", {{}, "head"}},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", {{}, "head"}},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", {{}, "head"}},
        {text_of({chunked, "x\r\n"}), {{}, "body"}},
        {text_of({chunked, "5\r\nhelloo"}), {{}, "body"}},
    };
    for (auto& c : cases) {
        EXPECT_EQ(read_in_parts(c.text, {}), c.want) << c.text;
        std::vector<size_t> all;
        for (size_t split = 1; split < c.text.size(); ++split) {
            EXPECT_EQ(read_in_parts(c.text, {split}), c.want) << c.text << " split at " << split;
            all.push_back(split);
        }
        EXPECT_EQ(read_in_parts(c.text, all), c.want) << c.text << " byte by byte";
    }
}

TEST(ResponseReader, answers_to_HEAD_have_no_body_whatever_their_head_says) {
    std::string_view head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    EXPECT_EQ(read_in_parts(text_of({head, head}), {}, http::Method::head), (Found{{200, 200}, ""}));
}

TEST(ResponseReader, knows_whether_the_connection_goes_on) {
    struct {
        std::string_view text;
        bool want;
    } cases[] = {
        {"HTTP/1.1 204 No Content\r\n\r\n", true},
        {"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", false},
        {"HTTP/1.0 204 No Content\r\n\r\n", false},
        {"HTTP/1.0 204 No Content\r\nConnection: keep-alive\r\n\r\n", true},
        {"HTTP/1.1 200 OK\r\n\r\n", false},
    };
    for (auto& c : cases) {
        KnownHead known;
        ResponseReader reader(http::Method::get);
        reader.feed(c.text, known);
        EXPECT_EQ(reader.keep_alive(), c.want) << c.text;
    }
}

// The head that is known is used only where all of it is there, and it ends the other one's life.
TEST(ResponseReader, a_head_that_only_begins_like_the_known_one_is_read) {
    std::string one = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    std::string other = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    KnownHead known;
    ResponseReader reader(http::Method::get);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(reader.feed(one, known).kind, Kind::done);
        EXPECT_TRUE(reader.keep_alive());
        EXPECT_EQ(reader.feed(other, known).kind, Kind::done);
        EXPECT_FALSE(reader.keep_alive());
    }
}

TEST(ResponseReader, a_head_without_end_is_refused) {
    std::string text = "HTTP/1.1 200 OK\r\n";
    while (text.size() < ResponseReader::head_bytes_max + 100) text += "X: " + std::string(200, 'y') + "\r\n";
    EXPECT_EQ(read_in_parts(text, {}), (Found{{}, "head"}));
    std::vector<size_t> pieces;
    for (size_t at = 100; at < text.size(); at += 100) pieces.push_back(at);
    EXPECT_EQ(read_in_parts(text, pieces), (Found{{}, "head"}));
}

TEST(ResponseReader, interim_responses_without_end_are_refused) {
    std::string text;
    for (int i = 0; i < 2000; ++i) text += "HTTP/1.1 103 Early Hints\r\n\r\n";
    EXPECT_EQ(read_in_parts(text, {}), (Found{{}, "head"}));
}

}  // namespace

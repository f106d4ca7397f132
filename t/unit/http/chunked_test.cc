// chunked_test.cc - bodies in chunks: what they hold, where they end, and what is refused.
//
// Each row is fed whole, split at every byte, and byte by byte: payload, end and refusal must be the same.
#include "http/chunked.h"

#include <gtest/gtest.h>

#include <string>

namespace ringx::http {
namespace {

using Kind = ChunkedDecoder::Step::Kind;

struct Outcome {
    Kind kind = Kind::need_more;
    std::string payload;
    size_t consumed = 0;

    friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
    return out << static_cast<int>(outcome.kind) << " after " << outcome.consumed << ": " << outcome.payload;
}

void feed_all(ChunkedDecoder& decoder, std::string_view bytes, Outcome& outcome) {
    while (!bytes.empty() && outcome.kind != Kind::done && outcome.kind != Kind::bad) {
        ChunkedDecoder::Step step = decoder.feed(bytes);
        outcome.kind = step.kind;
        outcome.payload += step.data;
        outcome.consumed += step.consumed;
        bytes.remove_prefix(step.consumed);
        EXPECT_TRUE(step.consumed > 0);
        EXPECT_EQ(*step.reason != '\0', step.kind == Kind::bad);
    }
    if (outcome.kind == Kind::data) outcome.kind = Kind::need_more;
}

Outcome decode(std::string_view bytes, const ChunkedDecoder::Limits& limits = {}) {
    Outcome whole;
    ChunkedDecoder decoder(limits);
    feed_all(decoder, bytes, whole);

    Outcome by_byte;
    ChunkedDecoder slow(limits);
    for (size_t at = 0; at < bytes.size(); ++at) feed_all(slow, bytes.substr(at, 1), by_byte);
    EXPECT_EQ(by_byte, whole) << bytes;

    for (size_t split = 0; split <= bytes.size() && bytes.size() < 1000; ++split) {
        Outcome halves;
        ChunkedDecoder two(limits);
        feed_all(two, bytes.substr(0, split), halves);
        feed_all(two, bytes.substr(split), halves);
        EXPECT_EQ(halves, whole) << bytes << " split at " << split;
    }
    return whole;
}

TEST(ChunkedDecoder, finds_payload_and_end) {
    struct { std::string_view bytes, payload; size_t rest; } cases[] = {
        {"0\r\n\r\n", "", 0},
        {"0\r\n\r\nGET", "", 3},
        {"000\r\n\r\n", "", 0},
        {"5\r\nhello\r\n0\r\n\r\n", "hello", 0},
        {"0005\r\nhello\r\n0\r\n\r\n", "hello", 0},
        {"5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\nx", "hello world", 1},
        {"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", 0},
        {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0},
        {"1;a\r\nx\r\n0;b=c\r\n\r\n", "x", 0},
        {"1 ; a = b ;c=\"d;\\\"e\"\t;f\r\nx\r\n0\r\n\r\n", "x", 0},
        {"0\r\nTrailer: value\r\nX-Y:\r\n\r\nz", "", 1},
        {"0\r\nContent-Length: 5\r\n\r\n", "", 0},
    };
    for (auto& c : cases) {
        Outcome outcome = decode(c.bytes);
        EXPECT_EQ(outcome.kind, Kind::done) << c.bytes;
        EXPECT_EQ(outcome.payload, c.payload) << c.bytes;
        EXPECT_EQ(outcome.consumed, c.bytes.size() - c.rest) << c.bytes;
    }
}

TEST(ChunkedDecoder, refuses_what_others_have_misread) {
    std::string_view cases[] = {
        "\r\n", " 5\r\n", "\t5\r\n", "+5\r\n", "-5\r\n", "0x5\r\n", "5_0\r\n", "g\r\n", "5h\r\n", ";a\r\n", "5,5\r\n",
        "5\n", "5\rx", "5\r\r\n", "5 \r\n", "5\t\r\n", "5 5\r\n", "5\x0b\r\n", "5\xa0\r\n", "\"5\"\r\n", "5.0\r\n",
        "5\r\nhelloX", "5\r\nhello\n", "5\r\nhello\rX", "5\r\nhello0\r\n", "5\r\nhello\r\n\r\n",
        "8000000000000000\r\n", "ffffffffffffffff\r\n", "00000000000000000\r\n", "10000000000000005\r\n",
        "5;\r\n", "5;a\n", "5;a\rx", "5;a=\r\n", "5;=b\r\n", "5;a b\r\n", "5;a=b c\r\n", "5;a=\"b\"c\r\n",
        "5;a=\"b\r\n",
        "5;a=\"\n\"\r\n", "5;a=\"\x01\"\r\n", "5;a=\"\\\r\n", "5;a\x80\r\n", "5;a,b\r\n", "5;a=(b)\r\n", "5;a \r\n",
        "5;a=b \r\n", "5;a=\"b\\\"\r\n", "5 a\r\n",
        "0\r\n\n", "0\r\n\rx", "0\r\n \r\n", "0\r\nX\r\n", "0\r\nX : y\r\n", "0\r\n: y\r\n", "0\r\nX: y\n",
        "0\r\nX: y\rz",
        "0\r\nX: \x01\r\n", "0\r\nX: \x7f\r\n", "0\r\nX: y\r\n folded\r\n", "0\r\nX(y): z\r\n", "0\n",
    };
    for (std::string_view bytes : cases) EXPECT_EQ(decode(bytes).kind, Kind::bad) << bytes;
    EXPECT_EQ(decode({"5\r\n\0\0\0\0\0\r\n0\r\n\r\n", 15}).kind, Kind::done);
    EXPECT_EQ(decode({"5\0\r\n", 4}).kind, Kind::bad);
    EXPECT_EQ(decode({"0\r\nX: \0\r\n", 9}).kind, Kind::bad);
}

TEST(ChunkedDecoder, takes_the_largest_chunk_size) {
    ChunkedDecoder decoder;
    EXPECT_EQ(decoder.feed("7fffffffffffffff\r\n").kind, Kind::need_more);
    EXPECT_EQ(decoder.chunk_bytes_left(), static_cast<uint64_t>(INT64_MAX));
    ChunkedDecoder::Step step = decoder.feed("abc");
    EXPECT_EQ(step.kind, Kind::data);
    EXPECT_EQ(step.data, "abc");
    EXPECT_EQ(decoder.chunk_bytes_left(), static_cast<uint64_t>(INT64_MAX) - 3);
    EXPECT_FALSE(decoder.is_done());
}

TEST(ChunkedDecoder, bounds_framing_and_trailers) {
    ChunkedDecoder::Limits limits{.overhead_bytes_max = 100, .trailer_bytes_max = 50, .trailer_fields_max = 2};
    std::string extension = "1;" + std::string(90, 'a') + "\r\nx\r\n";
    EXPECT_EQ(decode(extension, limits).kind, Kind::need_more);
    EXPECT_EQ(decode(extension + extension, limits).kind, Kind::bad);
    EXPECT_EQ(decode("1;" + std::string(200, 'a'), limits).kind, Kind::bad);

    std::string tiny;
    for (int i = 0; i < 1000; ++i) tiny += "1\r\nx\r\n";
    EXPECT_EQ(decode(tiny + "0\r\n\r\n", limits).kind, Kind::done);

    EXPECT_EQ(decode("0\r\nA: b\r\nC: d\r\n\r\n", limits).kind, Kind::done);
    EXPECT_EQ(decode("0\r\nA: b\r\nC: d\r\nE: f\r\n\r\n", limits).kind, Kind::bad);
    EXPECT_EQ(decode("0\r\nA: " + std::string(60, 'b'), limits).kind, Kind::bad);
}

TEST(ChunkHead, is_read_back_by_the_decoder) {
    constexpr uint64_t sizes[] = {1, 9, 10, 16, 255, 65536, uint64_t{1} << 40, INT64_MAX};
    for (uint64_t size : sizes) {
        ChunkedDecoder decoder;
        EXPECT_EQ(decoder.feed(ChunkHead(size).text()).kind, Kind::need_more);
        EXPECT_EQ(decoder.chunk_bytes_left(), size);
    }
    EXPECT_EQ(ChunkHead(UINT64_MAX).text(), "ffffffffffffffff\r\n");
    std::string body = std::string(ChunkHead(3).text()) + "abc" + std::string(chunk_end) + std::string(last_chunk);
    EXPECT_EQ(decode(body).payload, "abc");
}

}  // namespace
}  // namespace ringx::http

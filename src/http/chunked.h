// http/chunked.h - the chunked transfer coding (RFC 9112 section 7.1), both ways.
//
// The decoder is a state machine of constant size: it buffers nothing, takes any split of the bytes, and hands out the
// payload as views of what it was fed. It is strict: CRLF only, hexadecimal digits only, extensions by the grammar.
// Chunk heads and extensions that outweigh the payload are refused, so that framing cannot be used as a flood.
// Trailer fields are checked like header fields, and dropped unless somebody keeps them, beside the head and not in it:
// merging them into it invites smuggling.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringx::http {

class ChunkedDecoder {
 public:
    struct Limits {
        uint32_t overhead_bytes_max = 16384;  // framing beyond 16 bytes a chunk and twice the payload
        uint32_t trailer_bytes_max = 8192;
        uint16_t trailer_fields_max = 100;
    };

    struct Step {
        enum class Kind : uint8_t {
            need_more,  // all bytes were consumed
            data,       // `data` is payload; feed the rest again
            done,       // the body has ended; what was not consumed belongs to the next message
            bad,        // 400
        };
        Kind kind = Kind::need_more;
        size_t consumed = 0;
        std::string_view data;    // a part of the bytes fed
        const char* reason = "";  // of a bad body, as the error log words it
    };

    ChunkedDecoder() = default;
    explicit ChunkedDecoder(const Limits& limits) : limits_(limits) {}

    // What follows the last chunk is appended to `text` as it comes: fields, each with its CRLF, and the empty line.
    // REQUIRES: `text` outlives the decoding.
    void keep_trailers(std::string& text) { kept_trailers_ = &text; }

    // Consumes bytes up to and including the next piece of payload. REQUIRES: not called after done or bad.
    Step feed(std::string_view bytes);

    bool is_done() const { return state_ == State::done; }

    // Payload of the current chunk still to come: a hint for how much to read.
    uint64_t chunk_bytes_left() const { return state_ == State::payload ? size_ : 0; }

 private:
    enum class State : uint8_t {
        size_start, size, before_extension, before_name, name, after_name, before_value, value, quoted, quoted_pair,
        after_value, head_lf, payload, payload_cr, payload_lf, trailer_start, trailer_name, trailer_value,
        trailer_lf, end_lf, done, bad,
    };

    State advance(char byte);
    State in_size(char byte);
    State in_extension(char byte);
    State in_trailer(char byte);
    State head_ended();
    State refuse(const char* reason);

    Limits limits_;
    std::string* kept_trailers_ = nullptr;
    uint64_t size_ = 0;  // of the current chunk, then what is left of it
    uint64_t overhead_ = 0;
    uint32_t head_bytes_ = 0;  // of the current chunk head
    uint32_t trailer_bytes_ = 0;
    uint16_t trailer_fields_ = 0;
    uint8_t digits_ = 0;
    State state_ = State::size_start;
    const char* reason_ = "";
};

// Encoding: chunk head, payload, chunk_end; after the last chunk, last_chunk.
inline constexpr std::string_view chunk_end = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

// The line before a chunk of `size` bytes. REQUIRES: size > 0, for a chunk of zero bytes would end the body.
class ChunkHead {
 public:
    explicit ChunkHead(uint64_t size);
    std::string_view text() const { return {text_.data(), size_}; }

 private:
    std::array<char, 18> text_;
    size_t size_;
};

}  // namespace ringx::http

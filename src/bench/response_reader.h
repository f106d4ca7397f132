// bench/response_reader.h - where each response ends, and what it says: bytes only.
//
// Strict about framing (RFC 9112 section 6.3), because a load generator that guesses counts what was never answered.
// Heads are read by http/upstream_head; but those of a benchmark are nearly always the same as the one before, so a
// head that repeats byte for byte is known already, and costs one comparison. Interim responses are passed over.
// Bodies are counted and not kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/chunked.h"
#include "http/upstream_head.h"

namespace ringx::bench {

// The last head that was read whole, and what it meant. Those who ask for the same thing share one.
struct KnownHead {
    std::string text;
    uint64_t content_length = 0;
    uint16_t status = 0;
    http::UpstreamHead::Framing framing = http::UpstreamHead::Framing::none;
    bool keep_alive = false;
};

class ResponseReader {
 public:
    static constexpr uint32_t head_bytes_max = 32 * 1024;

    struct Step {
        enum class Kind : uint8_t {
            need_more,  // all bytes were consumed
            done,       // the response has ended; what was not consumed belongs to the next one
            bad_head,
            bad_body,
        };
        Kind kind = Kind::need_more;
        size_t consumed = 0;
        const char* reason = "";  // of what is bad, as parsers word it: "upstream sent …", "client sent …"
    };

    // `method` is that of the requests.
    explicit ResponseReader(http::Method method) : method_(method) {}

    // Consumes bytes up to the end of the current response. The next call begins the next one.
    // REQUIRES: not called after something was bad, before restart().
    Step feed(std::string_view bytes, KnownHead& known);

    // The stream has ended: whether that is the end of a response, too.
    bool ends_with_stream() const { return state_ == State::until_close; }
    // Something of the current response has come.
    bool has_begun() const { return state_ != State::head || !partial_.empty() || interims_ > 0; }

    // Of the response that is done, or whose head is.
    uint16_t status() const { return status_; }
    bool keep_alive() const { return keep_alive_; }

    // For another connection.
    void restart();

 private:
    enum class State : uint8_t { head, length, chunked, until_close };

    Step read_head(std::string_view bytes, KnownHead& known);
    Step begin_body(const KnownHead& known, size_t consumed);
    Step read_chunks(std::string_view bytes);
    Step read_rest(std::string_view bytes, size_t consumed);

    http::Method method_;
    State state_ = State::head;
    bool keep_alive_ = false;
    uint16_t status_ = 0;
    uint16_t interims_ = 0;
    uint64_t left_ = 0;         // of a body whose length is known
    std::string partial_;       // of a head that came in parts
    http::UpstreamHead head_;
    http::UpstreamHeadParser parser_;
    http::ChunkedDecoder chunks_;
};

}  // namespace ringx::bench

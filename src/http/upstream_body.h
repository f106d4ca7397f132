// http/upstream_body.h - where the body of a response from upstream ends, and what of the bytes received is payload.
//
// Bytes only. What was received is decoded in its place: payload comes to the front, without a copy as long as no
// framing stands before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/chunked.h"
#include "http/upstream_head.h"

namespace ringx::http {

class UpstreamBodyReader {
 public:
    // The body that follows this head.
    void begin(const UpstreamHead& head, bool keeps_trailers = false);

    // Decodes: so many of `bytes`, from the first on, are payload now. All are used, unless the body has ended.
    size_t read(std::span<char> bytes);
    // The server has ended the stream. False: too early.
    bool end_of_stream();

    // How many bytes of payload follow, and nothing between them, where that is known; otherwise 0.
    uint64_t bare_bytes_left() const { return framing_ == UpstreamHead::Framing::length ? left_ : 0; }
    // So many of them were received, by way of no memory.
    void pass(size_t bytes) {
        CHECK(bytes <= bare_bytes_left());
        left_ -= bytes;
        if (left_ == 0) state_ = State::ended;
    }

    bool ended() const { return state_ == State::ended; }
    bool failed() const { return state_ == State::failed; }
    const char* reason() const { return reason_; }  // why it failed, as the error log words it
    // The fields behind a chunked body that has ended; see take_trailer().
    std::string_view trailers() const { return ended() ? std::string_view(trailers_) : std::string_view(); }
    // More came than belongs to the body: the connection cannot be used again.
    bool has_surplus() const { return has_surplus_; }

 private:
    enum class State : uint8_t { more, ended, failed };

    size_t read_chunks(std::span<char> bytes);

    ChunkedDecoder chunks_;
    std::string trailers_;
    uint64_t left_ = 0;
    UpstreamHead::Framing framing_ = UpstreamHead::Framing::none;
    State state_ = State::ended;
    bool has_surplus_ = false;
    const char* reason_ = "";
};

struct Trailer {
    std::string_view name;
    std::string_view value;
};
// Takes the next field off a trailer section; nothing at its end.
std::optional<Trailer> take_trailer(std::string_view& text);

}  // namespace ringx::http

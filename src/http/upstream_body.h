// http/upstream_body.h - where the body of a response from upstream ends, and what of the bytes received is payload.
//
// Bytes only. What was received is decoded in its place: payload comes to the front, without a copy as long as no
// framing stands before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "http/chunked.h"
#include "http/upstream_head.h"

namespace ringx::http {

class UpstreamBodyReader {
 public:
    // The body that follows this head.
    void begin(const UpstreamHead& head);

    // Decodes: so many of `bytes`, from the first on, are payload now. All are used, unless the body has ended.
    size_t read(std::span<char> bytes);
    // The server has ended the stream. False: too early.
    bool end_of_stream();

    bool ended() const { return state_ == State::ended; }
    bool failed() const { return state_ == State::failed; }
    const char* reason() const { return reason_; }  // why it failed, as the error log words it
    // More came than belongs to the body: the connection cannot be used again.
    bool has_surplus() const { return has_surplus_; }

 private:
    enum class State : uint8_t { more, ended, failed };

    size_t read_chunks(std::span<char> bytes);

    ChunkedDecoder chunks_;
    uint64_t left_ = 0;
    UpstreamHead::Framing framing_ = UpstreamHead::Framing::none;
    State state_ = State::ended;
    bool has_surplus_ = false;
    const char* reason_ = "";
};

}  // namespace ringx::http

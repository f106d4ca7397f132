#include "http/chunked.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "http/text.h"

namespace ringx::http {

namespace {

constexpr uint8_t size_digits_max = 16;  // of a 64-bit number, leading zeros included

// What may stand in a quoted string as it is, and after a backslash (RFC 9110 section 5.6.4).
constexpr ByteSet quoted_bytes([](char c) { return !control_bytes[c] && c != '"' && c != '\\'; });
constexpr ByteSet quotable_bytes([](char c) { return !control_bytes[c]; });

}  // namespace

ChunkedDecoder::Step ChunkedDecoder::feed(std::string_view bytes) {
    CHECK(state_ != State::done && state_ != State::bad);
    for (size_t at = 0; at < bytes.size();) {
        if (state_ == State::payload) {
            size_t size = static_cast<size_t>(std::min<uint64_t>(size_, bytes.size() - at));
            size_ -= size;
            if (size_ == 0) state_ = State::payload_cr;
            return {Step::Kind::data, at + size, bytes.substr(at, size)};
        }
        state_ = advance(bytes[at++]);
        if (state_ == State::done) return {Step::Kind::done, at, {}};
        if (state_ == State::bad) return {Step::Kind::bad, at, {}, reason_};
    }
    return {Step::Kind::need_more, bytes.size(), {}};
}

ChunkedDecoder::State ChunkedDecoder::advance(char byte) {
    switch (state_) {
        case State::size_start:
        case State::size: return in_size(byte);

        case State::before_extension:
        case State::before_name:
        case State::name:
        case State::after_name:
        case State::before_value:
        case State::value:
        case State::quoted:
        case State::quoted_pair:
        case State::after_value: return in_extension(byte);

        case State::head_lf: return byte == '\n' ? head_ended() : refuse("client sent invalid chunked body");
        case State::payload_cr: return byte == '\r' ? State::payload_lf : refuse("client sent invalid chunked body");
        case State::payload_lf: return byte == '\n' ? State::size_start : refuse("client sent invalid chunked body");

        case State::trailer_start:
        case State::trailer_name:
        case State::trailer_value:
        case State::trailer_lf:
        case State::end_lf: return in_trailer(byte);

        case State::payload:
        case State::done:
        case State::bad: break;
    }
    CHECK(false && "feed() handles these states");
    return State::bad;
}

ChunkedDecoder::State ChunkedDecoder::in_size(char byte) {
    int digit = hex_value(byte);
    if (state_ == State::size_start) {
        size_ = 0;
        digits_ = 0;
        head_bytes_ = 0;
        if (digit < 0) return refuse("client sent invalid chunked body");
    }
    ++head_bytes_;
    if (digit >= 0) {
        if (++digits_ > size_digits_max) return refuse("client sent too large chunk size");
        size_ = size_ * 16 + static_cast<uint64_t>(digit);
        if (size_ > INT64_MAX) return refuse("client sent too large chunk size");
        return State::size;
    }
    if (byte == '\r') return State::head_lf;
    if (byte == ';') return State::before_name;
    if (is_blank(byte)) return State::before_extension;
    return refuse("client sent invalid chunked body");
}

// *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), RFC 9112 section 7.1.1. Extensions are ignored, but
// their grammar is not: a line that ends elsewhere for another reader is a smuggled request.
ChunkedDecoder::State ChunkedDecoder::in_extension(char byte) {
    if (++head_bytes_ > limits_.overhead_bytes_max) return refuse("client sent too long chunk extension");
    switch (state_) {
        case State::before_extension:
            if (is_blank(byte)) return state_;
            if (byte == ';') return State::before_name;
            break;
        case State::before_name:
            if (is_blank(byte)) return state_;
            if (token_bytes[byte]) return State::name;
            break;
        case State::name:
            if (token_bytes[byte]) return state_;
            [[fallthrough]];
        case State::after_name:
            if (byte == '=') return State::before_value;
            if (is_blank(byte)) return State::after_name;
            if (byte == ';') return State::before_name;
            if (byte == '\r' && state_ == State::name) return State::head_lf;
            break;
        case State::before_value:
            if (is_blank(byte)) return state_;
            if (byte == '"') return State::quoted;
            if (token_bytes[byte]) return State::value;
            break;
        case State::value:
            if (token_bytes[byte]) return state_;
            [[fallthrough]];
        case State::after_value:
            if (byte == ';') return State::before_name;
            if (byte == '\r') return State::head_lf;
            if (is_blank(byte)) return State::before_extension;
            break;
        case State::quoted:
            if (byte == '"') return State::after_value;
            if (byte == '\\') return State::quoted_pair;
            if (quoted_bytes[byte]) return state_;
            break;
        case State::quoted_pair:
            if (quotable_bytes[byte]) return State::quoted;
            break;
        default: break;
    }
    return refuse("client sent invalid chunk extension");
}

// Framing is paid for by payload: a body of one-byte chunks costs sixteen bytes a chunk at most, whatever else is
// added must be earned or stay below the limit.
ChunkedDecoder::State ChunkedDecoder::head_ended() {
    uint64_t allowed = 16 + 2 * size_;
    overhead_ += head_bytes_ + chunk_end.size();
    overhead_ -= std::min(overhead_, allowed);
    if (overhead_ > limits_.overhead_bytes_max) return refuse("client sent too much chunk framing");
    return size_ == 0 ? State::trailer_start : State::payload;
}

// Fields as in a head, then an empty line.
ChunkedDecoder::State ChunkedDecoder::in_trailer(char byte) {
    if (++trailer_bytes_ > limits_.trailer_bytes_max) return refuse("client sent too large trailers");
    if (kept_trailers_ != nullptr) *kept_trailers_ += byte;
    switch (state_) {
        case State::trailer_start:
            if (byte == '\r') return State::end_lf;
            if (!token_bytes[byte]) break;
            if (++trailer_fields_ > limits_.trailer_fields_max) return refuse("client sent too many trailers");
            return State::trailer_name;
        case State::trailer_name:
            if (token_bytes[byte]) return state_;
            if (byte == ':') return State::trailer_value;
            break;
        case State::trailer_value:
            if (!control_bytes[byte]) return state_;
            if (byte == '\r') return State::trailer_lf;
            break;
        case State::trailer_lf:
            if (byte == '\n') return State::trailer_start;
            break;
        case State::end_lf:
            if (byte == '\n') return State::done;
            break;
        default: break;
    }
    return refuse("client sent invalid trailer");
}

ChunkedDecoder::State ChunkedDecoder::refuse(const char* reason) {
    reason_ = reason;
    return State::bad;
}

ChunkHead::ChunkHead(uint64_t size) {
    CHECK(size > 0);
    char* end = std::to_chars(text_.data(), text_.data() + 16, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    size_ = static_cast<size_t>(end - text_.data());
}

}  // namespace ringx::http

#include "http/upstream_body.h"

#include <algorithm>
#include <cstring>

#include "http/text.h"

namespace ringx::http {

void UpstreamBodyReader::begin(const UpstreamHead& head, bool keeps_trailers) {
    *this = UpstreamBodyReader();
    if (keeps_trailers) chunks_.keep_trailers(trailers_);
    framing_ = head.framing;
    left_ = head.content_length;
    bool is_empty = framing_ == UpstreamHead::Framing::none ||
                    (framing_ == UpstreamHead::Framing::length && left_ == 0);
    state_ = is_empty ? State::ended : State::more;
}

size_t UpstreamBodyReader::read(std::span<char> bytes) {
    if (state_ != State::more) {
        has_surplus_ = has_surplus_ || !bytes.empty();
        return 0;
    }
    if (framing_ == UpstreamHead::Framing::chunked) return read_chunks(bytes);
    if (framing_ == UpstreamHead::Framing::until_close) return bytes.size();
    auto payload = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
    left_ -= payload;
    if (left_ == 0) state_ = State::ended;
    has_surplus_ = payload < bytes.size();
    return payload;
}

size_t UpstreamBodyReader::read_chunks(std::span<char> bytes) {
    size_t payload = 0, used = 0;
    while (used < bytes.size() && state_ == State::more) {
        ChunkedDecoder::Step step = chunks_.feed({bytes.data() + used, bytes.size() - used});
        used += step.consumed;
        switch (step.kind) {
            case ChunkedDecoder::Step::Kind::need_more: break;
            case ChunkedDecoder::Step::Kind::data:
                if (step.data.data() != bytes.data() + payload) {
                    std::memmove(bytes.data() + payload, step.data.data(), step.data.size());
                }
                payload += step.data.size();
                break;
            case ChunkedDecoder::Step::Kind::done: state_ = State::ended; break;
            case ChunkedDecoder::Step::Kind::bad:
                state_ = State::failed;
                reason_ = "upstream sent invalid chunked response";
                break;
        }
    }
    has_surplus_ = used < bytes.size();
    return payload;
}

bool UpstreamBodyReader::end_of_stream() {
    if (state_ == State::more && framing_ == UpstreamHead::Framing::until_close) state_ = State::ended;
    if (state_ == State::more) {
        state_ = State::failed;
        reason_ = "upstream prematurely closed connection";
    }
    return state_ == State::ended;
}

std::optional<Trailer> take_trailer(std::string_view& text) {
    size_t end = text.find("\r\n");
    std::string_view line = text.substr(0, end);
    size_t colon = line.find(':');
    if (colon == line.npos) return std::nullopt;
    text.remove_prefix(end == text.npos ? text.size() : end + 2);
    return Trailer{line.substr(0, colon), trim(line.substr(colon + 1))};
}

}  // namespace ringx::http

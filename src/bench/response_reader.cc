#include "bench/response_reader.h"

#include <algorithm>

namespace ringx::bench {
namespace {

using Framing = http::UpstreamHead::Framing;
using HeadKind = http::UpstreamHeadParser::Progress::Kind;

constexpr http::UpstreamHeadParser::Limits limits{.head_bytes_max = ResponseReader::head_bytes_max};

// A server may say so often that it is still at work, but not for ever.
constexpr uint16_t interims_max = 1000;

}  // namespace

ResponseReader::Step ResponseReader::feed(std::string_view bytes, KnownHead& known) {
    if (bytes.empty()) return {};
    if (state_ == State::head) return read_head(bytes, known);
    return read_rest(bytes, 0);
}

void ResponseReader::restart() {
    state_ = State::head;
    interims_ = 0;
    partial_.clear();
    parser_.restart();
}

ResponseReader::Step ResponseReader::read_head(std::string_view bytes, KnownHead& known) {
    size_t consumed = 0;
    for (;;) {
        std::string_view rest = bytes.substr(consumed);
        const bool is_whole = partial_.empty();
        if (is_whole && !known.text.empty() && rest.starts_with(known.text)) {
            Step step = begin_body(known, consumed + known.text.size());
            if (step.kind != Step::Kind::need_more) return step;
            return read_rest(bytes, step.consumed);
        }
        // What comes in parts is collected where it does not move.
        const size_t had = partial_.size();
        if (!is_whole) partial_.append(rest.substr(0, head_bytes_max - had));
        std::string_view text = is_whole ? rest : std::string_view(partial_);
        auto progress = parser_.parse(text, method_, head_, limits);
        if (progress.kind == HeadKind::bad) return {Step::Kind::bad_head, bytes.size(), progress.reason};
        if (progress.kind == HeadKind::need_more) {
            if (is_whole && !rest.empty()) {
                partial_.reserve(head_bytes_max);
                partial_ = rest;
                parser_.restart();
            }
            return {Step::Kind::need_more, bytes.size()};
        }
        consumed += progress.head_bytes - had;
        parser_.restart();
        if (head_.is_interim()) {
            partial_.clear();
            if (++interims_ > interims_max) return {Step::Kind::bad_head, consumed, "upstream sent too many responses"};
            continue;
        }
        known.text = text.substr(0, progress.head_bytes);
        known.status = head_.status;
        known.framing = head_.framing;
        known.content_length = head_.content_length;
        known.keep_alive = head_.keep_alive;
        partial_.clear();
        Step step = begin_body(known, consumed);
        if (step.kind != Step::Kind::need_more) return step;
        return read_rest(bytes, step.consumed);
    }
}

// need_more: there is a body.
ResponseReader::Step ResponseReader::begin_body(const KnownHead& known, size_t consumed) {
    status_ = known.status;
    keep_alive_ = known.keep_alive && known.framing != Framing::until_close;
    interims_ = 0;
    if (status_ == 101) return {Step::Kind::bad_head, consumed, "upstream sent a protocol nobody asked for"};
    switch (known.framing) {
        case Framing::none: return {Step::Kind::done, consumed};
        case Framing::length:
            if (known.content_length == 0) return {Step::Kind::done, consumed};
            state_ = State::length;
            left_ = known.content_length;
            break;
        case Framing::chunked:
            state_ = State::chunked;
            chunks_ = http::ChunkedDecoder();
            break;
        case Framing::until_close: state_ = State::until_close; break;
    }
    return {Step::Kind::need_more, consumed};
}

ResponseReader::Step ResponseReader::read_rest(std::string_view bytes, size_t consumed) {
    if (state_ == State::until_close) return {Step::Kind::need_more, bytes.size()};
    Step step;
    if (state_ == State::length) {
        uint64_t here = std::min<uint64_t>(left_, bytes.size() - consumed);
        left_ -= here;
        if (left_ == 0) step.kind = Step::Kind::done;
        step.consumed = static_cast<size_t>(here);
    } else {
        step = read_chunks(bytes.substr(consumed));
    }
    step.consumed += consumed;
    if (step.kind == Step::Kind::done) state_ = State::head;
    return step;
}

ResponseReader::Step ResponseReader::read_chunks(std::string_view bytes) {
    using Kind = http::ChunkedDecoder::Step::Kind;
    size_t consumed = 0;
    while (consumed < bytes.size()) {
        auto chunk = chunks_.feed(bytes.substr(consumed));
        consumed += chunk.consumed;
        if (chunk.kind == Kind::done) return {Step::Kind::done, consumed};
        if (chunk.kind == Kind::bad) return {Step::Kind::bad_body, consumed, chunk.reason};
    }
    return {Step::Kind::need_more, consumed};
}

}  // namespace ringx::bench

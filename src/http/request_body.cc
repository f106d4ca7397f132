#include "http/request_body.h"

#include <sys/socket.h>

#include <algorithm>

#include "http/connection.h"
#include "http/request.h"

namespace ringx::http {

RequestBody::RequestBody(Connection& connection, const RequestHead& head)
    : connection_(connection),
      left_(head.content_length),
      chunked_(head.framing == Framing::chunked),
      expects_continue_(head.expect_continue && head.minor_version >= 1) {
    ended_ = !chunked_ && left_ == 0;
}

Result<std::string_view> RequestBody::count(std::string_view data) {
    bytes_ += data.size();
    uint64_t bytes_max = connection_.body_bytes_max();
    if (bytes_max != 0 && bytes_ > bytes_max) return give_up({"read", EMSGSIZE});
    return data;
}

void RequestBody::log_refusal(const Request& request) const {
    if (error_.number == EBADMSG) request.log().write(Level::info, request.log_context(), "{}", reason_);
    if (error_.number == EMSGSIZE) {
        request.log().write(Level::error, request.log_context(),
                            "client intended to send too large chunked body: {} bytes", bytes_);
    }
}

std::unexpected<Error> RequestBody::give_up(Error error) {
    error_ = error;
    return std::unexpected(error);
}

Result<std::string_view> RequestBody::decode() {
    if (error_.number != 0) return std::unexpected(error_);
    std::string_view bytes = connection_.pending();
    if (!chunked_) {
        auto part = bytes.substr(0, std::min<uint64_t>(left_, bytes.size()));
        connection_.consume(part.size());
        left_ -= part.size();
        ended_ = left_ == 0;
        return part;
    }
    while (!bytes.empty()) {
        ChunkedDecoder::Step step = chunks_.feed(bytes);
        connection_.consume(step.consumed);
        bytes.remove_prefix(step.consumed);
        switch (step.kind) {
            case ChunkedDecoder::Step::Kind::data: return count(step.data);
            case ChunkedDecoder::Step::Kind::done: ended_ = true; return std::string_view();
            case ChunkedDecoder::Step::Kind::bad: reason_ = step.reason; return give_up({"read", EBADMSG});
            case ChunkedDecoder::Step::Kind::need_more: break;
        }
    }
    return std::string_view();
}

Task<Result<std::string_view>> RequestBody::next() {
    while (!ended_) {
        if (!connection_.pending().empty()) expects_continue_ = false;  // the client did not wait
        Result<std::string_view> data = decode();
        if (!data || !data->empty() || ended_) co_return data;
        if (expects_continue_) {
            expects_continue_ = false;
            connection_.send_continue();
        }
        Result<> more = co_await connection_.receive_more();
        if (!more) co_return give_up(more.error());
    }
    co_return std::string_view();
}

bool RequestBody::skip_received() {
    while (!ended_ && !connection_.pending().empty()) {
        if (!decode()) return false;
    }
    return ended_;
}

}  // namespace ringx::http

#include "http/request_body.h"

#include <sys/socket.h>

#include <algorithm>

#include "base/check.h"
#include "event/wait.h"
#include "http/connection.h"
#include "http/core_settings.h"
#include "http/delay.h"
#include "http/request.h"

namespace ringx::http {

RequestBody::RequestBody(Connection& connection, const RequestHead& head)
    : loop_(connection.loop()),
      connection_(&connection),
      left_(head.content_length),
      chunked_(head.framing == Framing::chunked),
      expects_continue_(head.expect_continue && head.minor_version >= 1) {
    ended_ = !chunked_ && left_ == 0;
}

RequestBody::RequestBody(Loop& loop, const RequestBody& held)
    : loop_(loop),
      connection_(nullptr),
      bytes_(held.bytes_),
      chunked_(held.chunked_),
      expects_continue_(false),
      ended_(true),
      is_held_(true),
      held_(held.held_) {
    CHECK(held.is_held_);
}

Result<std::string_view> RequestBody::count(std::string_view data) {
    bytes_ += data.size();
    uint64_t bytes_max = connection_->body_bytes_max();
    if (bytes_max != 0 && bytes_ > bytes_max) return give_up({"read", EMSGSIZE});
    return data;
}

void RequestBody::log_refusal(const Request& request) const {
    std::string_view why = error_.number == ETIMEDOUT    ? "client timed out"
                           : error_.number == ECONNRESET ? "client prematurely closed connection"
                                                          : "";
    if (!why.empty()) request.log().write(Level::info, request.log_context(), error_, "{}", why);
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
    std::string_view bytes = connection_->pending();
    if (!chunked_) {
        auto part = bytes.substr(0, std::min<uint64_t>(left_, bytes.size()));
        connection_->consume(part.size());
        bytes_ += part.size();
        left_ -= part.size();
        ended_ = left_ == 0;
        return part;
    }
    while (!bytes.empty()) {
        ChunkedDecoder::Step step = chunks_.feed(bytes);
        connection_->consume(step.consumed);
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
    if (is_held_) co_return co_await next_held();
    while (!ended_) {
        if (!connection_->pending().empty()) expects_continue_ = false;  // the client did not wait
        Result<std::string_view> data = decode();
        if (!data || !data->empty() || ended_) co_return data;
        if (expects_continue_) {
            expects_continue_ = false;
            connection_->send_continue();
        }
        Result<> more = co_await connection_->receive_more();
        if (!more && more.error().number == ECANCELED) co_return std::unexpected(more.error());
        if (!more) co_return give_up(more.error());
    }
    co_return std::string_view();
}

void RequestBody::interrupt() {
    if (!is_held_) connection_->interrupt_receive();
}

bool RequestBody::skip_received() {
    while (!ended_ && !connection_->pending().empty()) {
        if (!decode()) return false;
    }
    return ended_;
}

uint16_t RequestBody::status_of(Error error) {
    switch (error.number) {
        case EMSGSIZE: return 413;
        case ETIMEDOUT: return 408;
        case EBADMSG: case ECONNRESET: return 400;
        case ECANCELED: return client_left;
        default: return 500;
    }
}

std::optional<std::string_view> RequestBody::memory() const {
    if (!is_held_ || held_->file) return std::nullopt;
    return held_->memory;
}

Task<Result<>> RequestBody::hold(Request& request) {
    CHECK(may_be_held());
    held_ = std::make_shared<HeldBody>();
    Result<> taken = co_await take_all(request);
    if (!taken) {
        log_refusal(request);
        request.body_refused = true;
        co_return taken;
    }
    is_held_ = true;
    co_return Result<>();
}

Task<Result<>> RequestBody::take_all(Request& request) {
    const CoreSettings& core = *request.core;
    // As in nginx a body that is a little larger than the buffer is not worth a file.
    size_t room = *core.client_body_buffer_size;
    bool fits = !chunked_ && left_ <= room + room / 4;
    if (fits) room = left_;
    while (!ended_) {
        Result<std::string_view> data = co_await next();
        if (!data) co_return std::unexpected(data.error());
        for (std::string_view rest = *data; !rest.empty();) {
            std::string_view part = rest.substr(0, room - held_->memory.size());
            held_->memory += part;
            rest.remove_prefix(part.size());
            if (rest.empty()) break;
            Result<> spilt = co_await spill(request);
            if (!spilt) co_return spilt;
        }
    }
    if (!held_->file && *core.client_body_in_file_only == CoreSettings::BodyFile::off) co_return Result<>();
    co_return co_await spill(request);
}

// Moves what is in memory into the file.
Task<Result<>> RequestBody::spill(Request& request) {
    HeldBody& held = *held_;
    const CoreSettings& core = *request.core;
    using Name = TempFile::Name;
    auto rule = *core.client_body_in_file_only;
    Name name = rule == CoreSettings::BodyFile::off  ? Name::removed
                : rule == CoreSettings::BodyFile::on ? Name::kept
                                                     : Name::until_used;
    if (!held.file) {
        Result<TempFile> made = co_await make_temp_file(request.worker->loop, *core.client_body_temp_path, name);
        if (!made) {
            request.log().write(Level::crit, request.log_context(), made.error(), "{}() \"{}\" failed",
                                made.error().call, core.client_body_temp_path->directory);
            co_return std::unexpected(Error{made.error().call, EIO});
        }
        held.file = std::move(*made);
        Level level = rule == CoreSettings::BodyFile::off ? Level::warn : Level::notice;
        request.log().write(level, request.log_context(), "a client request body is buffered to a temporary file {}",
                            held.file.path());
    }
    Result<> written = co_await write_to_file(request.worker->loop, held.file.fd(), held.memory, held.file_bytes);
    if (!written) {
        request.log().write(Level::crit, request.log_context(), written.error(), "{}() \"{}\" failed",
                            written.error().call, held.file.path());
        co_return std::unexpected(Error{written.error().call, EIO});
    }
    held.file_bytes += held.memory.size();
    held.memory.clear();
    co_return Result<>();
}

Task<Result<std::string_view>> RequestBody::next_held() {
    std::string_view part;
    if (!held_->file) {
        part = std::string_view(held_->memory).substr(given_);
    } else if (given_ < held_->file_bytes) {
        constexpr size_t step_bytes = 64 << 10;
        if (buffer_.size() < step_bytes) buffer_.resize(step_bytes);
        Wait wait(loop_, Operation::Kind::read, held_->file.fd(), "read");
        wait.data = buffer_.data();
        wait.bytes = static_cast<uint32_t>(std::min<uint64_t>(step_bytes, held_->file_bytes - given_));
        wait.offset = given_;
        Result<int> got = co_await wait;
        if (!got || *got == 0) co_return fail("read", EIO);  // no fault of the client's
        part = std::string_view(buffer_).substr(0, static_cast<size_t>(*got));
    }
    given_ += part.size();
    co_return part;
}

}  // namespace ringx::http

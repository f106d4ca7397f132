// http/exchange_transfer.cc - the bodies of an exchange.
//
// The request's is on its way to the server, from memory, a file, or as it comes from the client; the response's comes
// from there, and is taken when the client takes it, or read ahead.
#include <sys/uio.h>

#include <algorithm>
#include <utility>

#include "http/exchange.h"
#include "http/request_body.h"

namespace ringx::http {
namespace {

constexpr std::string_view reading_body = "reading upstream";
constexpr std::string_view nothing;
// What is copied of a body that can be moved: its beginning goes with the head, and small parts are not worth moving.
constexpr size_t copied_bytes_max = 4 * 1024;

constexpr const char* waiting = "poll";  // what failed, when a socket was waited for in vain

uint64_t milliseconds(std::chrono::milliseconds time) { return static_cast<uint64_t>(time.count()); }

// Sockets of this kind, or this process, may not splice.
bool is_refused(Error error) {
    return error.number == EINVAL || error.number == EOPNOTSUPP || error.number == ENOSYS || error.number == EPERM;
}

}  // namespace

Task<Result<>> Exchange::prepare_body() {
    if (request_.body == nullptr) co_return Result<>();
    // Also one that is not passed on: variables may tell of it.
    RequestBody& body = *request_.body;
    bool is_chunked = request_.head.framing == Framing::chunked;
    bool is_spent = !body.is_held() && !body.may_be_held();  // passed on as it came, before a redirect led here
    if (is_spent) {
        body_.exists = false;
        if (request_.method() == Method::get || request_.is_head()) co_return Result<>();
        log(Level::error, {}, "the request body was passed on before and is not kept", "connecting to upstream");
        co_return fail("read", EIO);
    }
    if (rules_.buffers_request && !body.is_held()) {
        Result<> held = co_await body.hold(request_);
        if (!held) co_return held;
    }
    body_.length_is_known = body.is_held() || !is_chunked;
    body_.length = body.is_held() ? body.size() : request_.head.content_length;
    co_return Result<>();
}

// What has no body leaves without a wait, as a rule, and with what others send in this turn. False: what is left of it
// has to wait.
bool Exchange::send_at_once() {
    Stream& stream = connection_->stream();
    if (body_.exists) return false;
    iovec part{out_.data(), out_.size()};
    ssize_t sent = stream.send({&part, 1}, Follows::others);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (sent < 0) {
        send_error_ = {"send", errno};
        return true;
    }
    try_->bytes_sent += static_cast<size_t>(sent);
    out_.erase(0, static_cast<size_t>(sent));
    return out_.empty() && !stream.has_unsent();
}

// What was to leave with others, and did not, is waited for like any other.
void Exchange::send_rest() {
    Stream& stream = connection_->stream();
    stream.settle();
    bool is_left = stream.tls() == nullptr && stream.has_unsent();
    if (is_left && is_sent() && send_error_.number == 0) sender_ = send_request();
}

// Without a wait it is over before anybody knows.
Task<void> Exchange::send_request() {
    std::optional<std::string_view> memory;
    if (body_.exists) memory = request_.body->memory();
    if (memory && protocol_->frames_body()) {
        protocol_->append_body(*memory, out_);
        if (!memory->empty()) protocol_->append_body({}, out_);
        memory = std::string_view();
    }
    std::string_view in_memory = memory.value_or(std::string_view());
    Result<> sent = co_await send(out_, in_memory);
    if (sent && body_.exists && !memory) sent = co_await send_body();
    if (!sent) send_error_ = sent.error();
    // Whoever waits for the answer was told to stop that, and is not to be told a time instead.
    if (given_up_ || client_error_.number != 0) co_return;
    // Who takes nothing of a request will not answer it. Who has closed may have answered before.
    bool has_waited = send_error_.call == waiting;
    uint64_t limit_ms = has_waited ? 0 : milliseconds(rules_.read_timeout);
    if (connection_->receiver().is_awaited()) connection_->receiver().shorten(limit_ms);
}

// Both, one behind the other.
Task<Result<>> Exchange::send(std::string_view first, std::string_view second) {
    Stream& stream = connection_->stream();
    while (!first.empty() || !second.empty() || stream.has_unsent()) {
        ssize_t sent = 0;
        if (stream.has_unsent()) {
            sent = stream.push();
        } else {
            iovec parts[2];
            size_t count = 0;
            for (std::string_view part : {first, second}) {
                if (!part.empty()) parts[count++] = {const_cast<char*>(part.data()), part.size()};
            }
            sent = stream.send(std::span(parts, count), Follows::nothing);
        }
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) co_return fail("send");
        if (sent < 0) {
            Result<> writable = co_await connection_->wait_writable(milliseconds(rules_.send_timeout));
            if (!writable) co_return fail(waiting, writable.error().number);
            continue;
        }
        auto bytes = static_cast<size_t>(sent);
        try_->bytes_sent += bytes;
        size_t of_first = std::min(bytes, first.size());
        first.remove_prefix(of_first);
        second.remove_prefix(bytes - of_first);
    }
    co_return Result<>();
}

// Part by part: from a file, or as it comes from the client.
Task<Result<>> Exchange::send_body() {
    RequestBody& body = *request_.body;
    for (;;) {
        if (given_up_) co_return fail("send", ECANCELED);
        Result<std::string_view> part = co_await body.next();
        if (!body.is_held() && part && !part->empty()) body_is_spent_ = true;
        if (!part) {
            if (part.error().number == ECANCELED) co_return std::unexpected(part.error());
            body.log_refusal(request_);
            request_.body_refused = true;
            client_error_ = part.error();
            connection_->cancel();
            co_return std::unexpected(part.error());
        }
        bool is_last = part->empty();
        std::string_view bytes = *part;
        if (protocol_->frames_body()) {
            out_.clear();
            protocol_->append_body(bytes, out_);
            bytes = out_;
        }
        Result<> sent = co_await send(bytes, nothing);
        if (!sent || is_last) co_return sent;
    }
}

Task<void> Exchange::stop_sending() {
    connection_->cancel();
    if (body_.exists) request_.body->interrupt();
    co_await sender_;
}

// The response came whole: others may use the connection, if the request `was_sent` before and not broken off for it.
void Exchange::finish(bool was_sent) {
    was_sent = was_sent && send_error_.number == 0;
    try_->response_us = since_start_us();
    const UpstreamBodyReader& reader = protocol_->body_reader();
    if (reader.has_surplus() && head_.framing == UpstreamHead::Framing::length) {
        log(Level::warn, {}, "upstream sent more data than specified in \"Content-Length\" header", reading_body);
    }
    is_over_ = true;
    if (!reader.trailers().empty()) tries_.trailers = request_.arena.copy(reader.trailers());
    if (where_.sticky != nullptr) where_.sticky->learn(request_, *peer_, true);
    release(false, was_sent && !reader.has_surplus() && protocol_->keeps_connection(head_));
}

Task<Result<std::string_view>> Exchange::next() {
    if (!reader_) reader_ = read_body();
    for (;;) {
        store_.let_go();
        if (!store_.empty()) {
            room_.set();
            co_return co_await store_.take();
        }
        if (has_failed_ || given_up_) co_return fail("recv", ECANCELED);  // the log has it already
        if (is_over_) co_return std::string_view();
        is_asked_ = true;
        room_.set();
        bool is_on_its_way = store_.empty() && !is_over_ && !has_failed_ && !given_up_;
        if (is_on_its_way) co_await data_;
    }
}

bool Exchange::can_move() {
    constexpr uint64_t worth_it = 64 * 1024;
    bool is_plain = connection_ != nullptr && connection_->stream().tls() == nullptr;
    moves_ = is_plain && rate_ == 0 && protocol_->body_reader().bare_bytes_left() >= worth_it;
    return moves_;
}

Result<size_t> Exchange::move_to(int socket) {
    if (pipe_ == nullptr) store_.let_go();
    if (pipe_ == nullptr && !begin_move()) return size_t{0};
    Result<size_t> moved = pipe_->drain_to(socket);
    if (pipe_->held() == 0) pipe_ = nullptr;
    return moved;
}

// Fills a pipe with what is here, if that is what follows.
bool Exchange::begin_move() {
    constexpr uint64_t bytes_max = 256 * 1024;
    bool is_next = moves_ && store_.empty() && !reads_ahead_ && !is_over_ && !has_failed_ && !given_up_;
    uint64_t left = is_next ? protocol_->body_reader().bare_bytes_left() : 0;
    if (left == 0) return false;
    pipe_ = request_.worker->states.get<SplicePipes>().take();
    if (pipe_ == nullptr) {
        moves_ = false;  // nor is what follows, which then comes in large parts
        return false;
    }
    std::optional<Result<size_t>> got = connection_->receive_now(*pipe_, std::min(left, bytes_max));
    if (got && !*got) {
        if (is_refused(got->error())) moves_ = false;
        else note_fault(got->error());
    }
    if (pipe_->held() == 0) {
        pipe_ = nullptr;
        return false;
    }
    try_->bytes_received += pipe_->held();
    try_->body_bytes += pipe_->held();
    protocol_->body_reader().pass(pipe_->held());
    if (protocol_->body_reader().ended()) room_.set();  // the server is free
    return true;
}

// What a pipe holds is as much as memory would: without a file nothing is gained by reading on into that.
void Exchange::stalled() {
    if (!buffers_ || (pipe_ != nullptr && !store_.may_use_file())) return;
    reads_ahead_ = true;
    room_.set();
}

// How long nothing may be received: what came is worth a time, and the share of one second is free.
uint64_t Exchange::pause_ms() const {
    if (rate_ == 0) return 0;
    uint64_t due_ms = reading_since_ms_ + try_->body_bytes * 1000 / rate_;
    uint64_t free_until_ms = request_.worker->clock.now_ms() + 1000;
    return due_ms > free_until_ms ? due_ms - free_until_ms : 0;
}

// Goes on until the response has ended: a part when it is asked for or, ahead of the client, as long as there is room.
Task<void> Exchange::read_body() {
    reading_since_ms_ = request_.worker->clock.now_ms();
    if (!buffers_) rate_ = 0;  // it is the client's then
    bool is_first = !moves_;  // goes with what came together with the head, if it is here
    const UpstreamBodyReader& reader = protocol_->body_reader();
    while (!reader.ended() && !has_failed_ && !given_up_) {
        if (uint64_t wait_ms = pause_ms(); wait_ms > 0) {
            request_.worker->loop.set_timer(pause_, wait_ms);
            co_await room_;
            continue;
        }
        // What may be moved is left where it is until next() waits for it.
        const bool may_wait = reads_ahead_ || (moves_ ? is_asked_ : store_.empty());
        std::span<char> room;
        if (may_wait || is_first) room = store_.room();
        const bool to_file = room.empty() && reads_ahead_ && store_.may_use_file();
        if (to_file) room = store_.file_room();
        if (room.empty()) {
            co_await room_;
            continue;
        }
        is_first = false;
        if (rate_ > 0) room = room.first(std::min<uint64_t>(room.size(), rate_));
        if (moves_ && !reads_ahead_) room = room.first(std::min(room.size(), copied_bytes_max));
        std::optional<Result<size_t>> got = connection_->receive_now(room);
        if (!got) {
            if (!to_file) store_.put(0);
            if (!may_wait) continue;
            Result<> readable = co_await connection_->wait_readable(milliseconds(rules_.read_timeout));
            if (!readable) note_fault(readable.error());
            continue;
        }
        size_t payload = decode(*got, room);
        if (!to_file) store_.put(payload);
        else if (payload > 0) co_await put_into_file(payload);
        is_asked_ = false;
        if (!reader.ended()) data_.set();
    }
    if (reader.ended() && !has_failed_ && !given_up_) {
        const bool was_sent = is_sent();
        if (!was_sent) co_await stop_sending();
        finish(was_sent);
    }
    data_.set();
}

Task<void> Exchange::put_into_file(size_t payload) {
    bool is_new = !store_.file();
    Result<> put = co_await store_.put_into_file(payload);
    if (put && is_new) {
        log(Level::warn, {}, request_.arena.join({"an upstream response is buffered to a temporary file ",
                                                  store_.file().path()}), reading_body);
    }
    if (!put) {
        log(Level::crit, put.error(), request_.arena.join({put.error().call, "() failed"}), reading_body);
        has_failed_ = static_cast<bool>(store_.file());  // what was to be in it is in memory
    }
}

// In place: how much of it is payload.
size_t Exchange::decode(const Result<size_t>& got, std::span<char> room) {
    if (!got) {
        note_fault(got.error());
        return 0;
    }
    try_->bytes_received += *got;
    UpstreamBodyReader& reader = protocol_->body_reader();
    size_t payload = *got == 0 ? 0 : reader.read(room.first(*got));
    if (*got == 0) (void)reader.end_of_stream();
    try_->body_bytes += payload;
    // Over TLS a body that ends with the connection is whole only if the server says so (RFC 9112 section 9.8).
    const TlsChannel* tls = connection_->stream().tls();
    bool is_cut_off = *got == 0 && tls != nullptr && !tls->is_closed();
    if (reader.failed() || is_cut_off) {
        std::string_view cut_off = "upstream prematurely closed connection";
        log(Level::error, {}, reader.failed() ? reader.reason() : cut_off, reading_body);
        has_failed_ = true;
    }
    return payload;
}

// The body breaks off.
void Exchange::note_fault(Error error) {
    if (given_up_) return;
    log_receive_fault(error, reading_body);
    has_failed_ = true;
}

void Exchange::log_receive_fault(Error error, std::string_view doing) const {
    const TlsChannel* tls = connection_->stream().tls();
    bool is_of_tls = error.number == EPROTO && tls != nullptr && !tls->fault().empty();
    if (is_of_tls) return log(Level::error, {}, request_.arena.join({"SSL_read() failed", tls->fault()}), doing);
    log(Level::error, error, error.number == ETIMEDOUT ? "upstream timed out" : "recv() failed", doing);
}

}  // namespace ringx::http

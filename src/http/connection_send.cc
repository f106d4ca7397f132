// http/connection_send.cc - how a connection sends what does not leave at once: at a pace, when the socket takes more,
// when a file has been read, and as a source makes it.
//
// Each wait is bounded by send_timeout, or is the source's.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <span>

#include "event/next_turn.h"
#include "http/chunked.h"
#include "http/connection.h"
#include "http/delay.h"
#include "http/departure_watch.h"
#include "http/output.h"
#include "http/pace.h"
#include "http/page_cache.h"
#include "http/response_head.h"
#include "http/server.h"

namespace ringx::http {
namespace {

// The last chunk, and the fields that follow it (RFC 9112 section 7.1.2).
void end_chunks(Request& request, Output& output) {
    Response& response = request.response;
    if (response.make_trailers == nullptr) {
        output.text() += last_chunk;
        return;
    }
    response.trailers = response.make_trailers(request);
    output.text() += "0\r\n";
    for (const ResponseField* field = response.trailers.first(); field != nullptr; field = field->next) {
        output.text().append(field->name).append(": ").append(field->value).append("\r\n");
    }
    output.text() += "\r\n";
}

// A part of a body. A large one is sent from where it is; `pieces` stay until it has left.
void put_part(Output& output, std::string_view data, bool chunked, std::span<Piece, 2> pieces) {
    constexpr size_t copied_bytes_max = 4096;
    if (chunked) output.text() += ChunkHead(data.size()).text();
    if (data.size() <= copied_bytes_max) {
        output.text() += data;
        if (chunked) output.text() += chunk_end;
        return;
    }
    pieces[0] = {data, 0, 0};
    pieces[1] = {chunk_end, 0, 0};
    output.set_body(pieces.first(chunked ? 2 : 1), -1, {false, true, Output::window_bytes_max});
}

// A window of a cold file.
struct ReadAhead {
    const PageCache& cache;
    int file;
    Output::Window window;
    int error = 0;
};

void read_window(void* context) {
    auto& job = *static_cast<ReadAhead*>(context);
    job.error = job.cache.fill(job.file, job.window.offset, job.window.bytes);
}

}  // namespace

// Sends all of the output of an answer with a limit_rate, part by part.
Task<bool> Connection::send_paced(Output& output) {
    Request& request = *request_;
    const uint64_t rate = std::exchange(request.rate, 0);  // so that each part is sent like any other output
    const Pace pace(request, rate);
    bool good = true;
    for (;;) {
        auto sent = [&] { return request.sent_bytes - std::min(request.sent_bytes, output.unsent()); };
        uint64_t before = sent();
        uint64_t wait_ms = 0;
        uint64_t budget = pace.budget(before, server_.clock().now_us(), wait_ms);
        output.limit(budget);
        if (budget > 0) {
            good = co_await send_output(output);
            if (!good || output.empty()) break;
            wait_ms = pace.worth_ms(before, sent());
        }
        tell_stall();
        bool goes_on = co_await delay(request, wait_ms);
        if (!goes_on || ended_) {
            drop(output);
            good = false;
            break;
        }
    }
    output.limit(Output::no_limit);
    request.rate = rate;
    co_return good;
}

// The body's source may go on with what it does meanwhile.
void Connection::tell_stall() {
    if (request_ != nullptr && request_->response.source != nullptr) request_->response.source->stalled();
}

// Sends all of the output, or as much as its limit allows. False when it failed, and was reported.
Task<bool> Connection::send_output(Output& output, Follows after) {
    if (request_ != nullptr && request_->rate != 0) co_return co_await send_paced(output);
    while (!ended_) {
        Flushed flushed = output.flush(stream_, after);
        if (flushed == Flushed::all || flushed == Flushed::paced) co_return true;
        if (flushed == Flushed::failed) {
            report_send_error(output);
            break;
        }
        if (flushed == Flushed::cold) {
            Result<> read = co_await read_ahead(output);
            if (!read) break;
        } else if (flushed == Flushed::full) {
            tell_stall();
            Result<> writable = co_await wait_writable();
            if (!writable) break;
        }
        NextTurn turn(server_.loop());
        co_await turn;
    }
    gave_up_ = true;
    drop(output);
    co_return false;
}

// Passes over the body as long as it exists: a client may read its answer only when it has sent all of its request.
struct Connection::BodyDrain : Deferred {
    explicit BodyDrain(Connection& of) : connection(of) {
        if (connection.may_drain_body()) connection.stream_.receiver().watch_bytes(this);
    }
    ~BodyDrain() override { connection.stream_.receiver().watch_bytes(nullptr); }
    void run() override {
        if (connection.drain_body()) connection.stream_.receiver().watch_bytes(this);
    }

    Connection& connection;
};

// The answer is on its way, and neither made of the body nor still to be made.
bool Connection::may_drain_body() const {
    if (request_ == nullptr || request_->body == nullptr || request_->sent_status == 0) return false;
    const RequestBody& body = *request_->body;
    return request_->answer == nullptr && request_->response.source == nullptr && !body.ended() && body.may_go_on();
}

// Takes what has come of it. True when more is to come.
bool Connection::drain_body() {
    while (stream_.receiver().ready()) {
        Result<Lease> got = stream_.receiver().take();
        if (!got || got->empty()) return false;  // whoever reads next meets this again
        hold(std::move(*got));
        if (request_->body->skip_received() || request_->body->refusal() != 0) return false;
    }
    return true;
}

Task<Result<>> Connection::wait_writable() {
    const CoreSettings& core = current_core();
    auto limit = static_cast<uint64_t>(core.send_timeout->count());
    Wait wait(server_.loop(), Operation::Kind::poll, peer_.fd, "send", limit);
    wait.events = POLLOUT;
    BodyDrain drain(*this);
    waiting_ = &wait;
    Result<int> ready = co_await wait;
    waiting_ = nullptr;
    if (ready) co_return Result<>();
    if (ready.error().number == ETIMEDOUT) {
        reset_ = *core.reset_timedout_connection;
        log_current(Level::info, ready.error(), "client timed out", sending());
    }
    co_return std::unexpected(ready.error());
}

// Brings the next window of a file into the page cache: on a thread whatever the engine is, because even the ring's
// reads allocate page cache and start the disk on the loop.
Task<Result<>> Connection::read_ahead(Output& output) {
    ReadAhead job{server_.page_cache(), output.file(), output.window()};
    Blocking read(server_.loop(), read_window, &job);
    co_await read;
    if (job.error != 0) {
        Error error{"pread", job.error};
        log_current(Level::alert, error, "pread() failed", sending());
        co_return std::unexpected(error);
    }
    output.warm();
    co_return Result<>();
}

// Sends a body that is made while it is sent, chunked unless its length was announced.
Task<bool> Connection::send_source(Output& output) {
    Request& request = *request_;
    BodySource& source = *request.response.source;
    bool chunked = body_end(request, request.response) == BodyEnd::chunked;
    bool may_move = stream_.tls() == nullptr && !chunked && request.rate == 0 && *request.core->sendfile;
    const bool moves = may_move && source.can_move();
    bool sent = false;
    for (;;) {
        Task<Result<std::string_view>> pull = source.next();
        bool came_at_once = pull.done();
        // What is here already does not wait for it.
        bool good = true;
        if (!came_at_once && has_unsent(output)) good = co_await send_output(output);
        if (!good) source.cancel();
        std::optional<DepartureWatch> watch;
        if (!came_at_once) watch.emplace(stream_.receiver(), request);
        Result<std::string_view> data = co_await pull;
        watch.reset();
        if (!good) break;
        if (!data) {
            if (data.error().number != ECANCELED) {
                request.log().write(Level::error, request.log_context(), data.error(), "the response ended early");
            }
            if (has_unsent(output)) co_await send_output(output);  // its end will not come, but what there is
            sent = false;
            break;
        }
        uint64_t before = output.unsent();
        bool is_last = data->empty();
        if (is_last && chunked) end_chunks(request, output);
        std::array<Piece, 2> pieces;
        if (!is_last) put_part(output, *data, chunked, pieces);
        request.sent_bytes += output.unsent() - before;
        request.sent_body_bytes += output.unsent() - before;
        const bool is_moved = moves && !is_last && source.begin_move();
        // What had to be waited for may as well share packets; what was here at once has the client wait for less.
        Follows after = Follows::nothing;
        if (is_moved && !came_at_once) after = Follows::more;
        sent = co_await send_output(output, after);
        if (sent && is_moved) sent = co_await move_source(source);
        if (!sent || is_last) break;
        // A source that never waits, and a client that takes it all, leave room for others.
        if (came_at_once) {
            NextTurn turn(server_.loop());
            co_await turn;
        }
    }
    co_await source.close();
    co_return sent;
}

// Moves what the source has for now straight to the socket. False when that failed, and was reported.
Task<bool> Connection::move_source(BodySource& source) {
    Request& request = *request_;
    while (!ended_) {
        Result<size_t> moved = source.move_to(stream_.fd());
        if (moved && *moved == 0) co_return true;
        if (moved) {
            request.sent_bytes += *moved;
            request.sent_body_bytes += *moved;
        } else if (moved.error().number == EAGAIN) {
            tell_stall();
            Result<> writable = co_await wait_writable();
            if (!writable) break;
        } else {
            log_send_error(moved.error());
            break;
        }
        NextTurn turn(server_.loop());
        co_await turn;
    }
    co_return false;
}

}  // namespace ringx::http

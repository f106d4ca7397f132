// http/slow_path.cc - the part of a connection that waits: for modules, for a socket that is full, for cold files, for
// bodies nobody reads, and for the end.
//
// Each wait is bounded: by send_timeout, client_body_timeout or the times of lingering. An output that could not leave
// at once is moved into the frame here, so that the worker's own is free for other connections.

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <span>

#include "event/next_turn.h"
#include "http/background.h"
#include "http/chunked.h"
#include "http/connection.h"
#include "http/delay.h"
#include "http/interim.h"
#include "http/output.h"
#include "http/pace.h"
#include "http/page_cache.h"
#include "http/pipeline.h"
#include "http/remains.h"
#include "http/response_head.h"
#include "http/server.h"
#include "http/site.h"
#include "http/status_zones.h"
#include "http/tunnel.h"

namespace ringx::http {
namespace {

// When the last words of clients are read: at multiples of the step, and no sooner after ours than this.
constexpr uint64_t last_words_ms_min = 4, last_words_step_ms = 16;

// Notices that the client leaves while its answer is waited for.
class DepartureWatch : private Deferred {
 public:
    DepartureWatch(Receiver& receiver, Request& request) : receiver_(receiver), request_(request) {
        receiver_.watch_end(this);
    }
    ~DepartureWatch() override { receiver_.watch_end(nullptr); }

 private:
    void run() override {
        if (request_.activities == nullptr) return;
        request_.log().write(Level::info, request_.log_context(), "client prematurely closed connection");
        Activity::client_departed_all(request_);
    }

    Receiver& receiver_;
    Request& request_;
};

// Tells the client at once what it may know before its answer; what the socket does not take is left for the answer.
class HintSender final : public InterimSender {
 public:
    HintSender(Stream& stream, Request& request) : stream_(stream), request_(request) { request.interim = this; }
    ~HintSender() { request_.interim = nullptr; }

    void send(std::string_view head) override {
        if (rest_.empty() && !stream_.has_unsent()) {
            iovec part{const_cast<char*>(head.data()), head.size()};
            ssize_t sent = stream_.send({&part, 1}, Follows::nothing);
            if (sent > 0) head.remove_prefix(static_cast<size_t>(sent));
        }
        rest_ += head;
    }
    const std::string& rest() const { return rest_; }

 private:
    Stream& stream_;
    Request& request_;
    std::string rest_;
};

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

// Counts that somebody waits for an answer: in the worker, and in the zone of the server, which is given back.
RequestMetrics* Connection::begin_waiting() {
    server_.counters().writing.add(1);
    const Request* request = current();
    const StatusZone* zone = request != nullptr ? *status_settings.in(*request->server->outside.block).server : nullptr;
    if (zone == nullptr) return nullptr;
    zone->own->processing.add(1);
    return zone->own;
}

void Connection::end_waiting(RequestMetrics* zone) {
    server_.counters().writing.subtract(1);
    if (zone != nullptr) zone->processing.subtract(1);
}

Task<Connection::Turn> Connection::serve_slowly() {
    stream_.receiver().watch();
    for (;;) {
        RequestMetrics* zone = begin_waiting();
        hold_generation();
        bool sent = true;
        Output output = std::move(server_.output());
        if (request_ != nullptr && request_->answer != nullptr) {
            // Answers before this one do not wait for it; and it is waited for whatever becomes of them.
            ahead_ = &output;
            if (has_unsent(output)) sent = co_await send_output(output);
            ahead_ = nullptr;
            log_answered();
            co_await await_answer();
            output = std::move(server_.output());
            if (!sent) drop(output);
        }
        bool has_source = request_ != nullptr && request_->response.source != nullptr && !head_only_;
        if (sent && has_source) {
            sent = co_await send_source(output);
            request_->completed = sent;
        } else if (sent && has_unsent(output)) {
            sent = co_await send_output(output);
        }
        log_answered();
        if (!sent) closing_ = true;
        bool opens_tunnel = sent && request_ != nullptr && request_->response.tunnel != nullptr;
        if (opens_tunnel) {
            if (request_->activities != nullptr) co_await Activity::end_all(*request_);
            end_waiting(zone);
            co_return Turn::tunnel;
        }
        // A head that is not complete waits for its rest.
        if (request_ != nullptr && request_->head_is_complete) co_await leave_request();
        end_waiting(zone);
        Turn turn = serve_pending();
        if (turn != Turn::slow) co_return turn;
    }
}

// The answer has been sent or given up. What is left of the body is passed over, so that the next request can be found.
Task<void> Connection::leave_request() {
    if (request_->activities != nullptr) co_await Activity::end_all(*request_);
    if (request_->body != nullptr && !closing_) {
        bool discarded = co_await discard_body();
        if (!discarded) closing_ = true;
    }
    set_patience();
    if (!request_->completed) linger_ms_ = 0;
    finish_request();
}

// Waits for what a module will say, and formats the response.
Task<void> Connection::await_answer() {
    HintSender hints(stream_, *request_);
    for (;;) {
        Task<Answer> task = std::move(request_->answer->task);
        DepartureWatch watch(stream_.receiver(), *request_);
        Answer said = co_await task;
        Answer answer = Pipeline(*request_).resume(std::move(said));
        uint16_t refusal = answer.kind == Answer::Kind::later ? 0 : body_refusal(answer);
        if (refusal != 0) answer = Pipeline(*request_).refuse(refusal);
        if (answer.kind != Answer::Kind::later) {
            request_->answer = nullptr;
            server_.output().text() += hints.rest();
            (void)start_response(std::move(answer.response));
            co_return;
        }
        request_->answer->task = std::move(answer.task);
    }
}

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
Task<bool> Connection::send_output(Output& output) {
    if (request_ != nullptr && request_->rate != 0) co_return co_await send_paced(output);
    while (!ended_) {
        Flushed flushed = output.flush(stream_);
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
        sent = co_await send_output(output);
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

// From here on the connection is a pair of byte streams, and nothing of HTTP comes after it.
Task<void> Connection::run_tunnel() {
    closing_ = true;
    set_patience();
    Remains remains(*request_);  // its head may point into what was received
    input_ = std::string(pending());
    lease_.release();
    consumed_ = 0;
    std::unique_ptr<Tunnel> tunnel = std::move(*request_->response.tunnel);
    server_.give_back(*std::exchange(request_, nullptr));
    tunnel_ = tunnel.get();
    Result<> ended = co_await tunnel->carry(stream_, input_);
    tunnel_ = nullptr;
    if (!ended) linger_ms_ = 0;
    Request& end = server_.take_uncounted_request(peer_);
    remains.log_end(end, *tunnel, ended);
    server_.give_back(end);
}

Task<Result<>> Connection::receive_more() {
    auto limit = static_cast<uint64_t>(request_->core->client_body_timeout->count());
    Result<Lease> got = co_await stream_.receiver().next(limit);
    if (!got) co_return std::unexpected(got.error());
    if (got->empty()) co_return fail("recv", ECONNRESET);
    hold(std::move(*got));
    co_return Result<>();
}

void Connection::send_continue() {
    // If the socket has no room for these few bytes the client is not reading, and need not be told to go on.
    constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
    if (ahead_ != nullptr) {
        ahead_->text() += text;
        return;
    }
    iovec part{const_cast<char*>(text.data()), text.size()};
    (void)stream_.send({&part, 1}, Follows::nothing);
}

// Reads the rest of a body that nobody wanted, so that the next request can be found. False when that takes too long,
// or the body is malformed.
Task<bool> Connection::discard_body() {
    Request& request = *request_;
    uint64_t until = server_.clock().now_ms() + static_cast<uint64_t>(request.core->lingering_time->count());
    while (!request.body->ended()) {
        Result<std::string_view> data = co_await request.body->next();
        if (!data) {
            request.body->log_refusal(request);
            co_return false;
        }
        if (server_.clock().now_ms() >= until) co_return false;
    }
    co_return true;
}

// What a client says after our last word changes nothing, so it is not worth a wake-up: those of many connections are
// read together. What has not come by then is waited for.
Task<void> Connection::await_last_words() {
    stream_.receiver().rest();
    co_await stream_.receiver().at_rest();
    server_.loop().engine().unwatch(peer_.fd);
    uint64_t now = server_.clock().now_ms();
    uint64_t due = (now + last_words_ms_min) / last_words_step_ms * last_words_step_ms + last_words_step_ms;
    Sleep pause(server_.loop(), due - now);
    co_await pause;
    stream_.receiver().look();
}

// Reads what the client still sends. True when that has ended.
Task<bool> Connection::linger() {
    uint64_t until = server_.clock().now_ms() + linger_ms_;
    for (uint64_t now = server_.clock().now_ms(); now < until; now = server_.clock().now_ms()) {
        Result<Lease> got = co_await stream_.receiver().next(std::min<uint64_t>(idle_limit_ms_, until - now));
        if (!got || got->empty()) co_return got.has_value();
    }
    co_return false;
}

Task<void> Connection::close() {
    lease_.release();
    input_ = std::string();
    consumed_ = 0;
    const bool says_end = linger_ms_ > 0;  // now, by a FIN; who waits for close_notify alone has said it by that
    if (stream_.tls() != nullptr && !reset_ && !ended_ && !gave_up_) co_await close_tls();
    if (says_end && !reset_) shutdown(peer_.fd, SHUT_WR);
    const bool awaits_words_only = linger_ms_ > 0 && !says_end && !stream_.receiver().ready();
    if (awaits_words_only) co_await await_last_words();
    bool client_has_ended = false;
    if (linger_ms_ > 0 && !reset_) client_has_ended = co_await linger();
    if (reset_) {
        // Sends the reset at once, also while a receive is armed.
        sockaddr nowhere{};
        nowhere.sa_family = AF_UNSPEC;
        connect(peer_.fd, &nowhere, sizeof nowhere);
    } else if (stream_.receiver().in_flight() && !client_has_ended) {
        shutdown(peer_.fd, SHUT_RDWR);  // what is armed keeps the socket open, and the client waits for its end
    }
    stream_.receiver().end();
    co_await stream_.receiver().ended();
    server_.loop().engine().close(std::exchange(peer_.fd, -1));
    Background* background = peer_.background.get();
    while (background != nullptr && background->activities != nullptr) {
        Signal& ended = background->ended;
        co_await ended;
    }
}

Conversation converse(HttpServer& server, int socket, ListenSlot& listen) {
    Connection connection(server, socket, listen);
    Connection::Turn turn = Connection::Turn::listen;
    if (connection.begins_with_tls()) turn = co_await connection.begin_tls();
    if (turn == Connection::Turn::slow) turn = co_await connection.serve_slowly();
    while (turn != Connection::Turn::close && turn != Connection::Turn::tunnel) {
        Result<Lease> got = co_await connection.listen();
        turn = connection.received(std::move(got));
        if (turn == Connection::Turn::slow) turn = co_await connection.serve_slowly();
    }
    if (turn == Connection::Turn::tunnel) co_await connection.run_tunnel();
    co_await connection.close();
}

}  // namespace ringx::http

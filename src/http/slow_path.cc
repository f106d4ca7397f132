// http/slow_path.cc - the part of a connection that waits: for modules, for bodies nobody reads, and for the end. How
// it sends what must wait is in connection_send.cc.
//
// Each wait is bounded: by send_timeout, client_body_timeout or the times of lingering. An output that could not leave
// at once is moved into the frame here, so that the worker's own is free for other connections.

#include <sys/socket.h>

#include <algorithm>

#include "http/background.h"
#include "http/connection.h"
#include "http/departure_watch.h"
#include "http/interim.h"
#include "http/output.h"
#include "http/pipeline.h"
#include "http/remains.h"
#include "http/server.h"
#include "http/site.h"
#include "http/status_zones.h"
#include "http/tunnel.h"

namespace ringx::http {
namespace {

// When the last words of clients are read: at multiples of the step, and no sooner after ours than this.
constexpr uint64_t last_words_ms_min = 4, last_words_step_ms = 16;

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
        stream_.settle();
        RequestMetrics* zone = begin_waiting();
        hold_generation();
        bool sent = true;
        Output output;
        if (!server_.output().empty()) output = std::move(server_.output());
        if (request_ != nullptr && request_->answer != nullptr) {
            // Answers before this one do not wait for it; and it is waited for whatever becomes of them.
            ahead_ = &output;
            if (has_unsent(output)) sent = co_await send_output(output);
            ahead_ = nullptr;
            log_answered();
            const bool is_ready = co_await await_answer();
            const bool is_one_of_many = is_ready && sent && !ended_ && request_->activities == nullptr;
            if (is_one_of_many) {  // it need not have waited: it leaves with others, and others follow it
                end_waiting(zone);
                Turn turn = after_response();
                if (turn == Turn::listen) turn = serve_pending();
                if (turn != Turn::slow) co_return turn;
                continue;
            }
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
        if (!sent) {
            closing_ = true;
            linger_ms_ = 0;  // as an answer that ends the conversation may have had it
        }
        bool opens_tunnel = sent && request_ != nullptr && request_->response.tunnel != nullptr;
        if (opens_tunnel) {
            if (request_->activities != nullptr) co_await Activity::end_all(*request_);
            end_waiting(zone);
            co_return Turn::tunnel;
        }
        if (output.empty() && server_.output().empty()) server_.output().take_memory_of(output);
        // A head that is not complete waits for its rest.
        if (request_ != nullptr && request_->head_is_complete) {
            if (request_->activities != nullptr) co_await Activity::end_all(*request_);
            // What is left of the body is passed over, so that the next request can be found.
            bool discarded = true;
            if (request_->body != nullptr && !closing_) discarded = co_await discard_body();
            if (!discarded) closing_ = true;
            leave_request();
        }
        end_waiting(zone);
        Turn turn = serve_pending();
        if (turn != Turn::slow) co_return turn;
    }
}

// The answer has been sent or given up, and nothing is left of the request.
void Connection::leave_request() {
    set_patience();
    if (!request_->completed) linger_ms_ = 0;
    finish_request();
}

// Waits for what a module will say, and formats the response. True when nothing of it is still to be made.
Task<bool> Connection::await_answer() {
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
            const bool is_ready = start_response(std::move(answer.response));
            co_return is_ready;
        }
        request_->answer->task = std::move(answer.task);
    }
}

// From here on the connection is a pair of byte streams, and nothing of HTTP comes after it.
Task<void> Connection::run_tunnel() {
    closing_ = true;
    set_patience();
    Remains remains(*request_);  // its head may point into what was received
    const std::string first(pending());
    lease_.release();
    input_ = nullptr;
    consumed_ = 0;
    std::unique_ptr<Tunnel> tunnel = std::move(*request_->response.tunnel);
    server_.give_back(*std::exchange(request_, nullptr));
    tunnel_ = tunnel.get();
    Result<> ended = co_await tunnel->carry(stream_, first);
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

Task<void> Connection::leave(Turn turn) {
    if (turn == Turn::tunnel) co_await run_tunnel();
    lease_.release();
    input_ = nullptr;
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

void Connection::drain() {
    if (request_ != nullptr || closing_ || !pending().empty()) return;
    if (!stream_.receiver().is_awaited()) return;  // answers are still leaving; it ends after them
    uint64_t left = stream_.receiver().left_ms();
    uint64_t waited = idle_limit_ms_ > left ? idle_limit_ms_ - left : 0;
    uint64_t rest = waited < idle_least_ms_ ? std::min(left, idle_least_ms_ - waited) : 0;
    // Not before the next turn: a request that is here already, and not yet told of, comes first there.
    stream_.receiver().shorten(std::max<uint64_t>(rest, 1));
}

void Connection::end() {
    ended_ = true;
    closing_ = true;
    linger_ms_ = 0;
    stream_.receiver().end();
    if (waiting_ != nullptr) waiting_->cancel();
    if (tunnel_ != nullptr) tunnel_->cancel();
    if (request_ != nullptr) Activity::give_up_all(*request_);
    if (peer_.background != nullptr) Activity::give_up_all(peer_.background->activities);
    if (request_ != nullptr && request_->response.source != nullptr) request_->response.source->cancel();
}

Conversation converse(HttpServer& server, int socket, ListenSlot& listen) {
    Connection connection(server, socket, listen);
    using Turn = Connection::Turn;
    Turn turn = Turn::listen;
    if (connection.begins_with_tls()) turn = co_await connection.begin_tls();
    while (turn == Turn::listen || turn == Turn::slow) {
        if (turn == Turn::listen) turn = co_await connection.listen();
        if (turn == Turn::slow) turn = co_await connection.serve_slowly();
    }
    co_await connection.leave(turn);
}

}  // namespace ringx::http

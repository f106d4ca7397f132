#include "http/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/format.h"
#include "http/built_in_pages.h"
#include "http/delay.h"
#include "http/old_browsers.h"
#include "http/output.h"
#include "http/pace.h"
#include "http/pipeline.h"
#include "http/response_head.h"
#include "http/server.h"
#include "http/site.h"
#include "http/tunnel.h"

namespace ringx::http {
namespace {

// Answers of a pipeline are gathered up to this size, then sent.
constexpr size_t output_bytes_max = 64 * 1024;

uint32_t milliseconds_of(std::chrono::milliseconds time) {
    return static_cast<uint32_t>(std::clamp<int64_t>(time.count(), 0, UINT32_MAX));
}

// Who has just connected is about to ask: a server that leaves waits for that, and for a handshake before it.
constexpr uint32_t first_request_ms = 2000;

}  // namespace

Connection::Connection(HttpServer& server, int socket, ListenSlot& listen)
    : server_(server), listen_(listen), stream_(server.loop(), socket) {
    peer_.fd = socket;
    peer_.number = server.next_connection_number();
    peer_.since_us = server.clock().now_us();
    (void)peer_.remote();  // a client that resets the connection has no address any more
    // The first request is waited for as long as its head may take.
    idle_limit_ms_ = milliseconds_of(*listen.point->default_server().outside.core->client_header_timeout);
    idle_least_ms_ = first_request_ms;
    awaits_proxy_header_ = listen.point->has_proxy_protocol();
    server_.enter(*this, listen);
}

Connection::~Connection() {
    CHECK(request_ == nullptr && answered_ == nullptr);
    server_.leave(listen_);
}

// All of the header has to come within client_header_timeout.
uint64_t Connection::proxy_header_patience_ms() const {
    uint64_t waited = (server_.clock().now_us() - peer_.since_us) / 1000;
    return waited < idle_limit_ms_ ? idle_limit_ms_ - waited : 1;
}

uint64_t Connection::patience_ms() const {
    if (awaits_proxy_header_) return proxy_header_patience_ms();
    if (request_ == nullptr) return idle_limit_ms_;
    // A head has begun: the whole of it has to come within client_header_timeout.
    uint64_t limit = milliseconds_of(*request_->core->client_header_timeout);
    uint64_t waited = (server_.clock().now_us() - request_->started_us) / 1000;
    return waited < limit ? limit - waited : 1;
}

Loop& Connection::loop() const { return server_.loop(); }

std::string_view Connection::pending() const {
    std::string_view bytes = lease_.view();
    if (lease_.empty() && input_ != nullptr) bytes = *input_;
    return bytes.substr(consumed_);
}

// The request points into what has come so far; it keeps that, and the connection goes on to other bytes.
void Connection::leave_head_to_request() {
    CHECK(pending().empty());
    bool keeps_it = !request_->head_lease.empty() || !request_->head_text.empty();
    if (!keeps_it && !lease_.empty()) {
        request_->head_lease = std::move(lease_);
    } else if (!keeps_it && input_ != nullptr) {
        request_->head_text = std::move(*input_);
    }
    lease_.release();
    input_ = nullptr;
    consumed_ = 0;
}

void Connection::hold(Lease lease) {
    if (request_ != nullptr && request_->head_is_complete) leave_head_to_request();
    const char* was_at = pending().data();
    bool copies = !pending().empty() || server_.loop().engine().buffers().is_scarce();
    if (copies) {
        if (!lease_.empty()) {
            input_ = std::make_unique<std::string>(pending());
            lease_.release();
        } else if (input_ == nullptr) {
            input_ = std::make_unique<std::string>();
        } else {
            input_->erase(0, consumed_);
        }
        input_->append(lease.view());
    } else {
        input_ = nullptr;
        lease_ = std::move(lease);
    }
    consumed_ = 0;
    if (pending().data() != was_at) read_head_again();
}

// The bytes of a head that is not complete have moved.
void Connection::read_head_again() {
    parser_.restart();
    if (request_ != nullptr && !request_->head_is_complete) request_->head.clear();
}

// Whatever is left is the beginning of a head: the lease goes back, and the bytes are kept until the rest comes.
void Connection::keep_partial_head() {
    hold_generation();
    std::string_view left = pending();
    if (left.empty()) {
        lease_.release();
        input_ = nullptr;
    } else if (!lease_.empty()) {
        input_ = std::make_unique<std::string>(left);
        lease_.release();
    } else {
        return;
    }
    consumed_ = 0;
    read_head_again();
}

Connection::Turn Connection::received(Result<Lease> got) {
    if (request_ != nullptr) server_.counters().reading.subtract(1);
    if (!got || got->empty()) {
        // What has not left comes first, and may be all this was interrupted for; an end comes behind it.
        stream_.settle();
        if (stream_.has_unsent() && !ended_) {
            const bool is_interrupted = !got && got.error().number == ECANCELED;
            if (!is_interrupted) closing_ = true;
            return Turn::slow;
        }
    }
    if (!got) return no_request(got.error());
    if (ended_) return no_request({"recv", ECANCELED});  // it came too late
    if (got->empty()) return no_request({"recv", 0});
    hold(std::move(*got));
    if (awaits_proxy_header_ && !read_proxy_header()) return closing_ ? Turn::close : Turn::listen;
    return serve_pending();
}

// What a proxy says before the first request. False: not all of it is here, or the connection closes.
bool Connection::read_proxy_header() {
    ProxyProgress progress = parse_proxy_header(pending());
    if (progress.kind == ProxyProgress::Kind::need_more) {
        keep_partial_head();
        return false;
    }
    awaits_proxy_header_ = false;
    if (progress.kind == ProxyProgress::Kind::broken) {
        log_proxy_fault(progress.fault);
        closing_ = true;
        return false;
    }
    consumed_ += static_cast<uint32_t>(progress.bytes);
    if (progress.header) peer_.proxy = std::make_unique<const ProxyHeader>(std::move(*progress.header));
    return true;
}

// There will be no more requests: the client left, was silent for too long, or the server is leaving.
Connection::Turn Connection::no_request(Error error) {
    closing_ = true;
    if (request_ == nullptr) {
        log_leaving(error);
        return Turn::close;
    }
    if (error.number == ECANCELED) {
        server_.give_back(*std::exchange(request_, nullptr));
        return Turn::close;
    }
    std::string_view doing = read_unfinished_head();
    if (error.number == ETIMEDOUT) {
        log_current(Level::info, error, "client timed out", doing);
        Progress late;
        late.status = 408;
        return refuse(late) == Turn::slow ? Turn::slow : finish_batch();
    }
    std::string_view tls_fault = fault_of_tls(error);
    if (!tls_fault.empty()) {
        log_current(Level::info, {}, text::format("SSL_read() failed{}", tls_fault), doing);
    } else {
        bool failed = error.number != 0;
        log_current(Level::info, error, failed ? "recv() failed" : "client prematurely closed connection", doing);
    }
    request_->sent_status = 400;
    finish_request();
    return Turn::close;
}

// For the log: the fields that have come, and of the request line what there is. Says what was being read.
std::string_view Connection::read_unfinished_head() {
    (void)parser_.parse(pending(), request_->head, request_->server->limits);  // it is not all there, as before
    std::string_view& line = request_->head.request_line;
    bool in_line = line.empty();
    if (in_line) line = pending().substr(0, pending().find_first_of("\r\n"));
    return in_line ? "reading client request line" : "reading client request headers";
}

// What is being read or answered goes on in the generation it began in, also when that is replaced meanwhile.
void Connection::hold_generation() {
    auto hold = [this](Request& request) {
        if (request.site == nullptr) request.site = listen_.site;
    };
    if (request_ != nullptr) hold(*request_);
    for (Request* request = answered_; request != nullptr; request = request->next) hold(*request);
}

void Connection::begin_request() {
    request_ = &server_.take_request(peer_);
    enter_server(listen_.point->default_server());
    request_->started_us = server_.clock().now_us();
    request_->number = peer_.requests + 1;
    request_->pipelined = consumed_ > 0 && peer_.requests > 0;
}

// Answers what has come, as far as that needs no waiting.
Connection::Turn Connection::serve_pending() {
    for (;;) {
        if (closing_ || pending().empty()) break;
        if (request_ == nullptr) begin_request();
        Progress head = parser_.parse(pending(), request_->head, request_->server->limits);
        if (head.kind == Progress::Kind::need_more) {
            if (!parser_.has_begun(pending())) {
                // Only empty lines: nothing of a request yet.
                server_.give_back(*std::exchange(request_, nullptr));
            }
            break;
        }
        Turn turn = head.kind == Progress::Kind::bad ? refuse(head) : process(head);
        if (turn != Turn::listen) return turn;
    }
    return finish_batch();
}

// Sends what was gathered, and turns to the client again.
Connection::Turn Connection::finish_batch() {
    const bool ends = closing_ || (server_.draining() && request_ == nullptr);
    if (ends) stream_.settle();  // there may be nothing behind what is to leave with others
    Turn turn = flush();
    if (turn != Turn::listen) return turn;
    if (ends) {
        closing_ = true;
        // A head that has begun is not answered any more.
        if (request_ != nullptr) server_.give_back(*std::exchange(request_, nullptr));
        return Turn::close;
    }
    keep_partial_head();
    if (request_ != nullptr) server_.counters().reading.add(1);  // until received()
    return Turn::listen;
}

bool Connection::may_keep_alive() const {
    const Request& request = *request_;
    const CoreSettings& core = *request.core;
    if (!request.head.keep_alive || !request.keep_alive || closing_ || server_.draining()) return false;
    if (core.keepalive_timeout->count() == 0 || peer_.requests >= *core.keepalive_requests) return false;
    if (is_confused_by_keep_alive(request, *core.keepalive_disable)) return false;
    uint64_t age_ms = (server_.clock().now_us() - peer_.since_us) / 1000;
    return age_ms < static_cast<uint64_t>(core.keepalive_time->count());
}

void Connection::open_body() {
    if (request_->head.framing == Framing::none) return;
    stream_.settle();  // who waits for the body is not to be told of an answer that did not leave
    request_->body = request_->arena.make<RequestBody>(*this, request_->head);
}

uint64_t Connection::body_bytes_max() const { return *request_->core->client_max_body_size; }

// Passes over what is here of a body that nobody wanted. When that shows it to be malformed or too large the answer is
// this status, once, instead of the one at hand; otherwise 0.
uint16_t Connection::body_refusal(const Answer& answer) {
    RequestBody* body = request_->body;
    if (body == nullptr || request_->body_refused) return 0;
    // A source may be made of the body.
    if (answer.kind == Answer::Kind::response && answer.response.source != nullptr) return 0;
    if (body->skip_received() || body->refusal() == 0) return 0;
    request_->body_refused = true;
    body->log_refusal(*request_);
    return body->refusal();
}

Connection::Turn Connection::process(const Progress& head) {
    Request& request = *request_;
    parser_.restart();
    consumed_ += head.head_bytes;
    request.head_is_complete = true;
    ++peer_.requests;
    request.received_bytes = head.head_bytes;
    bool has_path = route();
    open_body();
    ahead_ = &server_.output();
    bool concerns_tls = peer_.tls != nullptr || listen_.point->tls() != ListenTls::off;
    uint16_t refusal = concerns_tls ? tls_refusal() : uint16_t{0};
    Answer answer = refusal != 0 ? Pipeline(request).refuse(refusal) : has_path ? answer_routed() : answer_pathless();
    ahead_ = nullptr;
    return respond(answer);
}

Answer Connection::answer_pathless() {
    request_->log().write(Level::info, request_->log_context(),
                          "client sent invalid request while reading client request line");
    return Pipeline(*request_).refuse(400);
}

// A head that cannot be understood: it is answered, logged, and the end of the conversation.
Connection::Turn Connection::refuse(const Progress& head) {
    Request& request = *request_;
    request.head_is_complete = true;
    ++peer_.requests;
    request.received_bytes = pending().size();
    if (head.reason[0] != '\0') {
        std::string_view part = head.in_request_line ? "line" : "headers";
        if (head.detail.empty()) {
            request.log().write(Level::info, request.log_context(), "{} while reading client request {}", head.reason,
                                part);
        } else {
            request.log().write(Level::info, request.log_context(), "{}: \"{}\" while reading client request {}",
                                head.reason, head.detail, part);
        }
    }
    request.keep_alive = false;
    closing_ = true;
    if (request.uri.empty()) request.uri = "/";
    Answer answer = Pipeline(request).refuse(head.status);
    return respond(answer);
}

// Formats an answer, and sends it when nothing else can be gathered with it.
Connection::Turn Connection::respond(Answer& answer) {
    if (answer.kind != Answer::Kind::later) {
        uint16_t refusal = body_refusal(answer);
        if (refusal != 0) answer = Pipeline(*request_).refuse(refusal);
    }
    if (answer.kind == Answer::Kind::later) {
        request_->answer = request_->arena.make<Answer>(std::move(answer));
        return Turn::slow;
    }
    if (!start_response(std::move(answer.response))) return Turn::slow;
    return after_response();
}

// True when nothing of the response is still to be made: it is formatted, and its body is memory or a file.
bool Connection::start_response(Response&& response) {
    Request& request = *request_;
    Output& output = server_.output();
    bool says_tunnel = request.method() == Method::connect && response.status / 100 == 2;  // RFC 9110 section 9.3.6
    if (says_tunnel && response.tunnel == nullptr) response = built_in_page(request, 405);
    bool is_ours = response.status == 444 || response.status == client_left;
    bool unanswered = response.status == 0 || (is_ours && !response.is_foreign);
    if (unanswered) {
        closing_ = true;
        request.keep_alive = false;
        request.sent_status = response.status;
        return true;
    }
    const CoreSettings& core = *request.core;
    if (*core.tcp_nodelay != nodelay_) set_nodelay(*core.tcp_nodelay);
    request.response = std::move(response);
    Response& ready = request.response;
    if (ready.keep_alive) ready.keep_alive = may_keep_alive();
    BodyEnd end = body_end(request, ready);
    if (end == BodyEnd::close) ready.keep_alive = false;
    if (request.body != nullptr && !request.body->ended() && request.head.expect_continue) {
        // The client may or may not send the body now that it has its answer: only the end of the connection is clear.
        ready.keep_alive = false;
    }
    if (!ready.keep_alive) closing_ = true;

    size_t before = output.text().size();
    append_response_head(output.text(), request, ready, end);
    request.sent_status = ready.status;
    request.sent_bytes = output.text().size() - before;
    head_only_ = request.is_head() || end == BodyEnd::none;
    request.completed = head_only_ || ready.source == nullptr;
    if (ready.tunnel != nullptr) return false;
    if (head_only_) return true;
    bool may_have_rate = !core.limit_rate->empty() || !request.states.empty();
    if (may_have_rate) request.rate = rate_of(request);
    if (ready.source != nullptr) return false;

    std::span<const Piece> pieces = ready.pieces;
    if (pieces.empty() && ready.single.size() > 0) pieces = {&ready.single, 1};
    // Small bodies travel with their heads; the memory they came from is then not needed any more.
    constexpr size_t copied_bytes_max = 8 * 1024;
    if (pieces.size() == 1 && pieces[0].bytes_of_file == 0 && pieces[0].size() <= copied_bytes_max) {
        size_t head_end = output.text().size();
        append_body(output.text(), pieces[0].memory, end);
        request.sent_body_bytes = output.text().size() - head_end;
        request.sent_bytes += request.sent_body_bytes;
        return true;
    }
    if (end == BodyEnd::chunked) pieces = as_one_chunk(request.arena, pieces);
    for (const Piece& piece : pieces) request.sent_body_bytes += piece.size();
    request.sent_bytes += request.sent_body_bytes;
    output.set_body(pieces, ready.file ? ready.file->fd.get() : -1,
                    {*core.sendfile, *core.tcp_nopush, core.sendfile_max_chunk->bytes});
    return true;
}

// It holds until an answer of another location changes it. The sockets of paths have no such option.
void Connection::set_nodelay(bool on) {
    stream_.settle();
    nodelay_ = on;
    int value = on ? 1 : 0;
    (void)setsockopt(peer_.fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value);
}

// The response is formatted. Goes on with the next request when that is possible at once.
Connection::Turn Connection::after_response() {
    Request& request = *request_;
    Output& output = server_.output();
    bool body_unread = request.body != nullptr && !request.body->ended();
    bool has_body_to_send = output.has_body();
    if (request.rate != 0 && !output.empty()) return Turn::slow;
    if (has_body_to_send || body_unread || request.leaves_alone || output.text().size() > output_bytes_max) {
        Turn turn = flush();
        if (turn != Turn::listen) return turn;
    }
    if (body_unread && !closing_) return Turn::slow;  // to discard it
    set_patience();
    reset_ = false;
    if (request.location->phases.logs.empty() || output.empty()) {
        finish_request();
    } else {
        request.next = std::exchange(answered_, std::exchange(request_, nullptr));
    }
    return Turn::listen;
}

// How long the client is waited for after this answer: for its next request, or, when the connection closes while the
// client may still be sending, so that the answer is not destroyed by the reset which bytes nobody read would cause.
void Connection::set_patience() {
    const Request& request = *request_;
    const CoreSettings& core = *request.core;
    idle_limit_ms_ = milliseconds_of(*core.keepalive_timeout);
    idle_least_ms_ = milliseconds_of(*core.keepalive_min_timeout);
    // Who was too slow for one head is not waited for again.
    bool is_answered = request.sent_bytes > 0 && request.sent_status != 408;
    if (!closing_ || !is_answered || *core.lingering_close == CoreSettings::Lingering::off) return;
    bool expects_more = request.head.keep_alive && !server_.draining();  // it knows of the end by this answer only
    bool body_goes_on = request.body != nullptr && request.body->may_go_on();
    bool has_more = !pending().empty() || stream_.receiver().ready() || body_goes_on;
    if (!expects_more && !has_more && *core.lingering_close != CoreSettings::Lingering::always) return;
    linger_ms_ = milliseconds_of(*core.lingering_time);
    idle_limit_ms_ = milliseconds_of(*core.lingering_timeout);
}

Connection::Turn Connection::flush() {
    Output& output = server_.output();
    if (has_unsent(output)) {
        const bool end_follows = closing_ && !ended_ && !reset_;
        const Follows otherwise = closing_ ? Follows::nothing : Follows::others;
        Flushed flushed = output.flush(stream_, end_follows ? Follows::end : otherwise);
        if (flushed == Flushed::failed) {
            report_send_error(output);
            drop(output);
            log_answered();
            if (request_ != nullptr) finish_request();
            linger_ms_ = 0;
            closing_ = true;
            return Turn::close;
        }
        if (flushed != Flushed::all) return Turn::slow;
    }
    log_answered();
    return Turn::listen;
}

}  // namespace ringx::http

#include "http/exchange.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/check.h"
#include "http/core_settings.h"
#include "http/delay.h"
#include "http/interim.h"
#include "http/request_body.h"
#include "http/tunnel.h"
#include "http/upstream.h"

namespace ringx::http {
namespace {

constexpr std::string_view connecting = "connecting to upstream";
constexpr std::string_view reading_head = "reading response header from upstream";

// A server that says nothing but that it will say something is not listened to for ever.
constexpr uint32_t interim_heads_max = 32;

uint64_t milliseconds(std::chrono::milliseconds time) { return static_cast<uint64_t>(time.count()); }

// Doing it twice may be more than doing it once (as nginx has it; RFC 9110 section 9.2.2 would have PUT be the same).
bool is_idempotent(Method method) {
    return method != Method::post && method != Method::lock && method != Method::patch;
}

// What a worker knows of retries, by the names of groups.
struct RetryBudgets {
    std::map<std::string, RetryBudget, std::less<>> of_group;
};

// As what an answer is tried again; nothing when it is not.
std::optional<NextUpstream> condition_of(uint16_t status) {
    switch (status) {
        case 403: return NextUpstream::http_403;
        case 404: return NextUpstream::http_404;
        case 429: return NextUpstream::http_429;
        case 500: return NextUpstream::http_500;
        case 502: return NextUpstream::http_502;
        case 503: return NextUpstream::http_503;
        case 504: return NextUpstream::http_504;
        default: return std::nullopt;
    }
}

}  // namespace

Exchange::Exchange(Request& request, const ExchangeRules& rules, UpstreamProtocol* protocol, const Where& where)
    : Activity(request),
      request_(request),
      rules_(rules),
      protocol_(protocol),
      where_(where),
      choice_(where.peers, where.wish),
      tries_(request.states.get<UpstreamTries>(request.arena)),
      started_ms_(request.worker->clock.now_ms()),
      tries_left_(choice_.tries_left()),
      store_(request.worker->loop, request.worker->states.get<BlockPool>(), rules.store),
      buffers_(rules.buffers_response) {
    if (rules.retry_budget) {
        budget_ = &request.worker->states.get<RetryBudgets>().of_group[choice_.group().name];
        budget_->note_request(started_ms_);
    }
    if (rules.next_upstream_tries > 0) tries_left_ = std::min(tries_left_, rules.next_upstream_tries);
    body_.exists = where.takes_body && request.body != nullptr;
}

Exchange::~Exchange() { CHECK(connection_ == nullptr); }

void Exchange::log(Level level, Error error, std::string_view what, std::string_view doing) const {
    LogContext context = request_.log_context();
    context.doing = doing;
    request_.log().write(level, context, error, "{}", what);
}

Task<uint16_t> Exchange::run() {
    if (request_.body != nullptr) {
        Result<> prepared = co_await prepare_body();
        if (!prepared) co_return RequestBody::status_of(prepared.error());
    }
    bool is_first = true;
    for (;;) {
        const ringx::Peer* peer = nullptr;
        if (is_first && where_.queue > 0) peer = co_await wait_for_peer();
        else peer = choice_.next(request_.worker->clock.now_ms());
        if (peer == nullptr && given_up_) co_return client_left;
        try_ = &tries_.add(request_.arena);
        try_->begins_group = std::exchange(is_first, false);
        try_->started_us = request_.worker->clock.now_us();
        try_->queue_us = std::exchange(queue_us_, std::nullopt);
        if (peer == nullptr) {
            try_->peer = request_.arena.copy(choice_.group().name);
            try_->status = 502;
            try_->response_us = 0;
            request_.upstream = request_.arena.join({where_.scheme, try_->peer, where_.uri});
            log(Level::error, {}, "no live upstreams", connecting);
            co_return uint16_t{502};
        }
        try_->counts = peer->counts;
        Fault fault = co_await try_peer(*peer);
        if (fault != Fault::none && !is_sent()) co_await stop_sending();
        bool wants_other = may_try_again(fault);
        if (fault == Fault::none && !wants_other) {
            peer_ = peer;
            if (where_.sticky != nullptr) where_.sticky->learn(request_, *peer, false);
            const bool is_whole = !opens_tunnel() && protocol_->body_reader().ended();
            const bool was_sent = is_sent();
            if (!was_sent && (is_whole || opens_tunnel())) co_await stop_sending();
            if (is_whole) finish(was_sent);
            if (is_whole) leave();
            co_return uint16_t{0};
        }
        uint16_t status = status_of(fault);
        if (fault != Fault::none) try_->status = status == client_left ? uint16_t{0} : status;
        if (!try_->response_us) try_->response_us = since_start_us();
        if (!is_sent()) co_await stop_sending();
        bool is_refusal = fault == Fault::none && (head_.status == 403 || head_.status == 404);
        bool is_peers = fault != Fault::client && fault != Fault::ours && !is_refusal;
        release(is_peers && !(was_idle_ && fault == Fault::error), false);
        if (!wants_other) co_return status;
    }
}

// The peer to begin with. Where none has room it is waited for, behind those that wait already.
Task<const ringx::Peer*> Exchange::wait_for_peer() {
    const Clock& clock = request_.worker->clock;
    PeerQueue& queue = where_.peers->queue();
    const ringx::Peer* peer = nullptr;
    if (queue.empty()) {
        peer = choice_.next(clock.now_ms());
        if (peer != nullptr || !where_.peers->is_full(clock.now_ms())) co_return peer;
    }
    if (queue.size() >= where_.queue) {
        log(Level::error, {}, "upstream queue is full", connecting);
        co_return peer;
    }
    uint64_t since_us = clock.now_us();
    PeerWait wait(request_.worker->loop, queue, clock.now_ms() + milliseconds(where_.queue_timeout));
    waiting_ = &wait;
    while (!given_up_ && !wait.is_late()) {
        co_await wait;
        if (!wait.is_first() || given_up_) continue;
        where_.peers = worker_peers(request_).newest(*where_.peers);
        choice_.begin_again(where_.peers);
        peer = choice_.next(clock.now_ms());
        if (peer != nullptr || !where_.peers->is_full(clock.now_ms())) break;
    }
    waiting_ = nullptr;
    queue_us_ = clock.now_us() - since_us;
    bool gives_up = peer == nullptr && !given_up_ && wait.is_late();
    if (gives_up) log(Level::error, {"queue", ETIMEDOUT}, "upstream timed out", "waiting in upstream queue");
    co_return peer;
}

uint16_t Exchange::status_of(Fault fault) const {
    if (fault == Fault::timeout) return 504;
    if (fault == Fault::ours) return 500;
    if (fault != Fault::client) return 502;
    return given_up_ ? client_left : RequestBody::status_of(client_error_);
}

// Whether a try that has come to `fault`, or to an answer, is done again with another server.
bool Exchange::may_try_again(Fault fault) const {
    bool is_servers = fault != Fault::client && fault != Fault::ours;
    // What is being passed on as it comes may be spent in the moment it is stopped.
    bool is_spent = body_is_spent_ || (body_.exists && !is_sent() && !request_.body->is_held());
    if (!is_servers || given_up_ || is_spent || tries_left_ == 0) return false;
    std::optional<NextUpstream> condition = fault == Fault::error     ? NextUpstream::error
                                            : fault == Fault::timeout ? NextUpstream::timeout
                                            : fault == Fault::none    ? condition_of(head_.status)
                                                                      : NextUpstream::invalid_header;
    if (!condition || !rules_.next_upstream.has(*condition)) return false;
    bool may_repeat = is_idempotent(request_.method()) || rules_.next_upstream.has(NextUpstream::non_idempotent);
    if (has_sent_ && !may_repeat) return false;
    uint64_t limit_ms = milliseconds(rules_.next_upstream_timeout);
    bool is_in_time = limit_ms == 0 || request_.worker->clock.now_ms() - started_ms_ < limit_ms;
    return is_in_time && can_afford_retry();
}

bool Exchange::can_afford_retry() const {
    uint64_t now_ms = request_.worker->clock.now_ms();
    if (budget_ == nullptr || budget_->take(*rules_.retry_budget, now_ms)) return true;
    if (budget_->wants_to_tell(now_ms)) {
        log(Level::warn, {}, request_.arena.join({"retry budget of upstream \"", choice_.group().name,
                                                  "\" is used up"}), connecting);
    }
    return false;
}

Task<Exchange::Fault> Exchange::try_peer(const ringx::Peer& peer) {
    try_->peer = request_.arena.copy(peer.text);
    request_.upstream = request_.arena.join({where_.scheme, try_->peer, where_.uri});
    Fault fault = Fault::none;
    UpstreamPool& pool = request_.worker->upstreams;
    if (protocol_ != nullptr) connection_ = pool.take(choice_.group().name, key_of(peer), rules_.idle.owner);
    if (connection_ == nullptr) fault = co_await connect(peer);
    if (fault != Fault::none) {
        --tries_left_;
        co_return fault;
    }
    try_->connect_us = since_start_us();
    connection_->count_request();
    was_idle_ = connection_->requests() > 1;
    if (protocol_ == nullptr) {
        greet_nobody();
        co_return Fault::none;
    }
    has_sent_ = true;
    constexpr size_t usual_bytes = 512;
    out_.clear();
    out_.reserve(usual_bytes);
    send_error_ = {};
    if (body_.exists) request_.body->rewind();
    protocol_->begin(body_, out_);
    if (!send_at_once()) sender_ = send_request();
    fault = co_await read_head();
    // Whoever closed an idle connection in the moment it was used has not refused anything.
    if (!(was_idle_ && fault == Fault::error)) --tries_left_;
    co_return fault;
}

// That the connection is there is all of the answer.
void Exchange::greet_nobody() {
    --tries_left_;
    head_.status = 200;
    try_->status = head_.status;
    try_->header_us = since_start_us();
    choice_.got_header(*try_->header_us, request_.worker->clock.now_ms());
}

Task<Exchange::Fault> Exchange::connect(const ringx::Peer& peer) {
    UpstreamPool& pool = request_.worker->upstreams;
    uint64_t limit_ms = milliseconds(rules_.connect_timeout);
    auto opened = co_await pool.open(peer.address, rules_.socket, limit_ms, connecting_);
    if (given_up_) {
        if (opened) pool.close(std::move(*opened));
        co_return Fault::client;
    }
    if (!opened) {
        bool late = opened.error().number == ETIMEDOUT;
        const char* call = opened.error().call;
        std::string_view what = late ? "upstream timed out" : request_.arena.join({call, "() failed"});
        log(Level::error, opened.error(), what, connecting);
        co_return late ? Fault::timeout : Fault::error;
    }
    connection_ = std::move(*opened);
    if (where_.tls == nullptr) co_return Fault::none;
    co_return co_await secure(peer);
}

// Within what is left of the time to connect.
Task<Exchange::Fault> Exchange::secure(const ringx::Peer& peer) {
    WorkerParts& worker = *request_.worker;
    auto& sessions = worker.states.get<TlsClientSessions>();
    UpstreamHandshake handshake(worker.loop, sessions, connection_->stream());
    uint64_t limit_ms = milliseconds(rules_.connect_timeout), gone_ms = since_start_us() / 1000;
    securing_ = &handshake;
    TlsConnect::Outcome outcome =
        co_await handshake.run(*where_.tls, peer.text, limit_ms - std::min(limit_ms, gone_ms));
    securing_ = nullptr;
    if (given_up_) co_return Fault::client;
    if (outcome) co_return Fault::none;
    const TlsFault& fault = outcome.error();
    log(Level::error, fault.error, fault.sentence, "SSL handshaking to upstream");
    if (fault.is_ours) co_return Fault::ours;
    co_return fault.error.number == ETIMEDOUT ? Fault::timeout : Fault::error;
}

// What a connection was opened with.
std::string_view Exchange::key_of(const ringx::Peer& peer) const {
    std::string from = rules_.socket.from ? "\n" + rules_.socket.from->text() : std::string();
    if (where_.tls != nullptr) return request_.arena.join({peer.text, from, "\n", where_.tls->key});
    return from.empty() ? std::string_view(peer.text) : request_.arena.join({peer.text, from});
}

Task<Exchange::Fault> Exchange::read_head() {
    text_.clear();
    lease_.release();
    head_bytes_ = 0;
    interim_heads_ = 0;
    protocol_->read_head_again();
    while (!given_up_ && client_error_.number == 0) {
        // Its time begins when all was sent: send_request() sets it then.
        uint64_t limit = is_sent() ? milliseconds(rules_.read_timeout) : no_limit;
        Result<Lease> got = co_await connection_->receiver().next(limit);
        if (given_up_ || client_error_.number != 0) break;
        send_rest();
        const bool is_interrupted = !got && got.error().number == ECANCELED;
        if (is_interrupted) continue;
        if (!got || got->empty()) co_return no_head(got);
        try_->bytes_received += got->view().size();
        keep_bytes(std::move(*got));
        Fault fault = Fault::none;
        if (understand_head(fault)) co_return fault;
    }
    co_return Fault::client;
}

// The server has said nothing, or not all.
Exchange::Fault Exchange::no_head(const Result<Lease>& got) {
    bool has_sent = send_error_.number == 0;
    std::string_view doing = has_sent ? reading_head : "sending request to upstream";
    if (got && has_sent) {
        log(Level::error, {}, "upstream prematurely closed connection", doing);
        return Fault::error;
    }
    Error error = has_sent ? got.error() : send_error_;
    bool late = error.number == ETIMEDOUT;
    if (has_sent) log_receive_fault(error, doing);
    else log(Level::error, error, late ? "upstream timed out" : "send() failed", doing);
    return late ? Fault::timeout : Fault::error;
}

// True when it is whole, or none: `fault`.
bool Exchange::understand_head(Fault& fault) {
    using Kind = UpstreamHeadParser::Progress::Kind;
    for (;;) {
        std::span<char> bytes = received();
        UpstreamHeadParser::Progress progress = protocol_->read_head({bytes.data(), bytes.size()}, head_);
        if (progress.kind == Kind::need_more) return false;
        if (progress.kind == Kind::done && !head_.is_interim()) {
            head_bytes_ = progress.head_bytes;
            break;
        }
        bool is_flood = progress.kind == Kind::done && ++interim_heads_ > interim_heads_max;
        if (progress.kind == Kind::bad || is_flood) {
            std::string_view what = is_flood ? "upstream sent too many interim responses" : progress.reason;
            if (!progress.detail.empty()) what = request_.arena.join({what, ": \"", progress.detail, "\""});
            log(Level::error, {}, what, reading_head);
            fault = Fault::invalid_head;
            return true;
        }
        if (request_.interim != nullptr) {
            std::string text;
            protocol_->append_interim(head_, text);
            if (!text.empty()) request_.interim->send(text);
        }
        drop_bytes(progress.head_bytes);
        if (received().empty()) return false;
    }
    try_->status = head_.status;
    try_->header_us = since_start_us();
    choice_.got_header(*try_->header_us, request_.worker->clock.now_ms());
    tries_.head = &head_;
    tries_.trailers = {};
    UpstreamBodyReader& reader = protocol_->body_reader();
    std::span<char> rest = received().subspan(head_bytes_);
    ready_ = {rest.data(), reader.read(rest)};
    try_->body_bytes = ready_.size();
    return true;
}

void Exchange::keep_bytes(Lease lease) {
    if (text_.empty() && lease_.empty()) {
        lease_ = std::move(lease);
        return;
    }
    if (text_.empty()) {
        text_.assign(lease_.view());
        lease_.release();
        protocol_->read_head_again();
    }
    const char* was_at = text_.data();
    text_.append(lease.view());
    if (text_.data() != was_at) protocol_->read_head_again();
}

// From the beginning: a head that is not the last.
void Exchange::drop_bytes(size_t bytes) {
    if (text_.empty()) {
        lease_.narrow(bytes, lease_.view().size() - bytes);
    } else {
        text_.erase(0, bytes);
    }
    protocol_->read_head_again();
}

// What came with the head goes where the rest of the body will; the head stays.
void Exchange::move_to_memory() {
    std::span<char> bytes = received();
    std::string_view head = request_.arena.copy({bytes.data(), head_bytes_});
    head_.move_text(head.data() - bytes.data());
    store_.begin_with(ready_);
    ready_ = {};
    text_ = std::string();
    lease_.release();
}

void Exchange::give_body(Response& response) {
    // Without a body it is the length of one that would have come, if this is what the client has asked for.
    using Framing = UpstreamHead::Framing;
    bool has_length = head_.framing == Framing::length || (head_.framing == Framing::none && request_.is_head());
    if (has_length && head_.has_content_length) response.content_length = head_.content_length;
    if (opens_tunnel()) {
        std::span<char> bytes = received();
        auto tunnel = make_tunnel({bytes.data() + head_bytes_, bytes.size() - head_bytes_});
        response.tunnel = request_.arena.make<std::unique_ptr<Tunnel>>(std::move(tunnel));
        move_to_memory();
        return;
    }
    if (!is_over_) {
        move_to_memory();
        response.source = this;
        return;
    }
    if (lease_.is_wanted()) {
        std::span<char> bytes = received();
        std::string_view kept = request_.arena.copy({bytes.data(), head_bytes_ + ready_.size()});
        head_.move_text(kept.data() - bytes.data());
        ready_ = kept.substr(head_bytes_);
        lease_.release();
    }
    response.length_is_unknown = request_.is_head() && head_.framing == Framing::none && !head_.has_content_length;
    response.single = Piece{ready_, 0, 0};
}

// The connection leaves HTTP, and goes on without the request.
std::unique_ptr<Tunnel> Exchange::make_tunnel(std::string_view first) {
    WorkerParts& worker = *request_.worker;
    // As an answer it came whole with its head.
    uint64_t header_us = try_->header_us.value_or(0);
    PeerHold hold = choice_.keep({.header_us = header_us, .response_us = header_us}, worker.clock.now_ms());
    const Tunnel::Limits limits{milliseconds(rules_.read_timeout),
                                {milliseconds(*request_.core->send_timeout), milliseconds(rules_.send_timeout)}};
    return std::make_unique<Tunnel>(worker.loop, worker.upstreams, std::move(connection_), std::move(hold), first,
                                    limits);
}

void Exchange::release(bool failed, bool reusable) {
    if (choice_.current() != nullptr) {
        std::string_view key = key_of(*choice_.current());
        uint64_t now_ms = request_.worker->clock.now_ms();
        if (reusable) request_.worker->upstreams.keep(std::move(connection_), choice_.group().name, key, rules_.idle);
        PeerOutcome outcome{.failed = failed,
                            .header_us = try_->header_us.value_or(0),
                            .response_us = try_->response_us.value_or(0)};
        if (choice_.done(outcome, now_ms)) log(Level::warn, {}, "upstream server temporarily disabled", connecting);
    }
    if (connection_ != nullptr) request_.worker->upstreams.close(std::move(connection_));
}

void Exchange::client_departed() {
    if (rules_.minds_client) give_up();
}

void Exchange::give_up() {
    given_up_ = true;
    if (waiting_ != nullptr) waiting_->cancel();
    if (connecting_ != nullptr) connecting_->cancel();
    if (securing_ != nullptr) securing_->cancel();
    if (connection_ != nullptr) connection_->cancel();
    if (pause_.set()) request_.worker->loop.set_timer(pause_, 0);
    if (!is_sent() && body_.exists) request_.body->interrupt();
}

Task<void> Exchange::end() {
    give_up();
    room_.set();
    if (reader_) co_await reader_;
    if (!is_sent()) co_await stop_sending();
    release(false, false);
}

}  // namespace ringx::http

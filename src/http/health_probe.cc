#include "http/health_probe.h"

#include <sys/uio.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "http/upstream_tries.h"

namespace ringx::http {
namespace {

constexpr std::string_view connecting = "connecting to upstream";
constexpr std::string_view sending = "sending request to upstream";
constexpr std::string_view reading_head = "reading response header from upstream";
constexpr std::string_view reading_body = "reading upstream";
constexpr size_t step_bytes = 4096;

uint64_t milliseconds(std::chrono::milliseconds time) { return static_cast<uint64_t>(time.count()); }

}  // namespace

HealthProbe::HealthProbe(Request& request, const HealthCheck& check, const ringx::Peer& peer)
    : request_(request),
      check_(check),
      peer_(peer),
      to_(check.rules.port == 0 ? peer.address : peer.address.with_port(check.rules.port)),
      pool_(request.worker->upstreams),
      talk_(check.begin(request, check.rules.uri)),
      group_(request.arena.join({"health check of ", check.upstream->name})),
      key_(to_.text()) {
    if (talk_.tls != nullptr) key_.append("\n").append(talk_.tls->key);
}

HealthProbe::~HealthProbe() { CHECK(connection_ == nullptr); }

void HealthProbe::cancel() {
    cancelled_ = true;
    if (connecting_ != nullptr) connecting_->cancel();
    if (securing_ != nullptr) securing_->cancel();
    if (connection_ != nullptr) connection_->cancel();
}

uint64_t HealthProbe::left_ms() const {
    uint64_t now_ms = request_.worker->clock.now_ms();
    return until_ms_ > now_ms ? until_ms_ - now_ms : 0;
}

bool HealthProbe::fail_with(std::string_view doing, Error error, std::string detail) {
    outcome_ = {.passed = false, .doing = doing, .error = error, .detail = std::move(detail)};
    return false;
}

Task<HealthOutcome> HealthProbe::run() {
    uint64_t started_us = request_.worker->clock.now_us();
    for (;;) {
        bool good = co_await connect();
        bool is_all = check_.rules.type == HealthRules::Type::tcp;
        if (good && !is_all) good = co_await ask();
        if (good && !is_all) {
            note_try(started_us);
            good = judge();
        }
        bool may_be_stale = !good && was_idle_ && in_.empty() && !cancelled_ && outcome_.error.number != ETIMEDOUT;
        const UpstreamBodyReader& reader = talk_.protocol->body_reader();
        end_connection(good && !is_all && reader.ended() && !reader.has_surplus() &&
                       talk_.protocol->keeps_connection(head_));
        if (good) outcome_ = {.passed = true};
        // Whoever closed an idle connection in the moment it was used has not refused anything.
        if (!may_be_stale) co_return std::move(outcome_);
    }
}

void HealthProbe::end_connection(bool reusable) {
    if (connection_ == nullptr) return;
    if (!reusable || check_.rules.keepalive_time.count() == 0) return pool_.close(std::move(connection_));
    // One for each server, for as long as the next check may take to come.
    IdleLimits limits{.connections = UINT32_MAX,
                      .requests = UINT32_MAX,
                      .age = check_.rules.keepalive_time,
                      .idle = check_.rules.keepalive_time};
    pool_.keep(std::move(connection_), group_, key_, limits);
}

Task<bool> HealthProbe::connect() {
    connection_ = check_.rules.keepalive_time.count() == 0 ? nullptr : pool_.take(group_, key_);
    was_idle_ = connection_ != nullptr;
    if (!was_idle_) {
        uint64_t limit_ms = milliseconds(talk_.rules->connect_timeout);
        until_ms_ = request_.worker->clock.now_ms() + limit_ms;
        auto opened = co_await pool_.open(to_, talk_.rules->socket, limit_ms, connecting_);
        if (!opened) co_return fail_with(connecting, opened.error());
        connection_ = std::move(*opened);
        if (cancelled_) co_return fail_with(connecting, {"connect", ECANCELED});
        if (talk_.tls != nullptr) {
            bool secured = co_await secure(*talk_.tls);
            if (!secured) co_return false;
        }
    }
    connection_->count_request();
    until_ms_ = request_.worker->clock.now_ms() + milliseconds(talk_.rules->read_timeout);
    co_return true;
}

Task<bool> HealthProbe::secure(const UpstreamTls::Goal& goal) {
    WorkerParts& worker = *request_.worker;
    UpstreamHandshake handshake(worker.loop, worker.states.get<TlsClientSessions>(), connection_->stream());
    securing_ = &handshake;
    TlsConnect::Outcome outcome = co_await handshake.run(goal, peer_.text, left_ms());
    securing_ = nullptr;
    if (outcome) co_return !cancelled_;
    co_return fail_with("SSL handshaking to upstream", outcome.error().error, outcome.error().sentence);
}

Task<bool> HealthProbe::ask() {
    in_.clear();
    body_.clear();
    head_.clear();
    std::string out;
    talk_.protocol->begin({}, out);
    bool good = co_await send(out);
    if (good) good = co_await read_head();
    if (good) good = co_await read_body();
    co_return good;
}

Task<bool> HealthProbe::send(std::string_view bytes) {
    Stream& stream = connection_->stream();
    while (!bytes.empty() || stream.has_unsent()) {
        ssize_t sent = 0;
        if (stream.has_unsent()) {
            sent = stream.push();
        } else {
            iovec part{const_cast<char*>(bytes.data()), bytes.size()};
            sent = stream.send(std::span(&part, 1), Follows::nothing);
        }
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) co_return fail_with(sending, {"send", errno});
        if (sent < 0) {
            Result<> writable = co_await connection_->wait_writable(left_ms());
            if (!writable) co_return fail_with(sending, writable.error());
            continue;
        }
        bytes.remove_prefix(static_cast<size_t>(sent));
    }
    co_return true;
}

Task<bool> HealthProbe::read_head() {
    talk_.protocol->read_head_again();
    for (;;) {
        size_t had = in_.size();
        const char* was_at = in_.data();
        in_.resize(had + step_bytes);
        std::span<char> room = std::span(in_).subspan(had);
        Result<size_t> got = co_await connection_->receive(room, left_ms());
        in_.resize(had + got.value_or(0));
        if (!got) co_return fail_with(reading_head, got.error());
        if (*got == 0) co_return fail_with(reading_head, {}, "upstream prematurely closed connection");
        if (in_.data() != was_at) talk_.protocol->read_head_again();
        bool failed = false;
        bool whole = understand_head(failed);
        if (failed) co_return false;
        if (whole) co_return true;
    }
}

// True when the last of the heads is here, whole. Interim ones are passed over, as long as there is time.
bool HealthProbe::understand_head(bool& failed) {
    using Kind = UpstreamHeadParser::Progress::Kind;
    for (;;) {
        UpstreamHeadParser::Progress progress = talk_.protocol->read_head(in_, head_);
        failed = progress.kind == Kind::bad;
        if (failed) return fail_with(reading_head, {}, progress.reason);
        if (progress.kind == Kind::need_more) return false;
        head_bytes_ = progress.head_bytes;
        if (!head_.is_interim()) return true;
        in_.erase(0, head_bytes_);
        talk_.protocol->read_head_again();
        if (in_.empty()) return false;
    }
}

// As much of it as somebody looks at; of a connection that is to be kept, all of it.
Task<bool> HealthProbe::read_body() {
    UpstreamBodyReader& reader = talk_.protocol->body_reader();
    std::span<char> first = std::span(in_).subspan(head_bytes_);
    body_.assign(first.data(), reader.read(first));
    bool is_wanted = check_.rules.keepalive_time.count() > 0 || (check_.match && check_.match->tests.looks_at_body());
    while (is_wanted && !reader.ended() && !reader.failed() && body_.size() < HealthMatch::body_bytes_max) {
        size_t had = body_.size();
        body_.resize(had + step_bytes);
        std::span<char> room = std::span(body_).subspan(had);
        Result<size_t> got = co_await connection_->receive(room, left_ms());
        body_.resize(had + (got ? reader.read(room.first(*got)) : 0));
        if (!got) co_return fail_with(reading_body, got.error());
        const TlsChannel* tls = connection_->stream().tls();
        bool is_cut_off = *got == 0 && (!reader.end_of_stream() || (tls != nullptr && !tls->is_closed()));
        if (is_cut_off) co_return fail_with(reading_body, {}, "upstream prematurely closed connection");
    }
    if (reader.failed()) co_return fail_with(reading_body, {}, reader.reason());
    co_return true;
}

// For the variables of `require`.
void HealthProbe::note_try(uint64_t started_us) {
    auto& tries = request_.states.get<UpstreamTries>(request_.arena);
    UpstreamTry& made = tries.add(request_.arena);
    made.peer = peer_.text;
    made.begins_group = true;
    made.status = head_.status;
    made.started_us = started_us;
    made.response_us = made.header_us = request_.worker->clock.now_us() - started_us;
    made.bytes_received = in_.size();
    made.body_bytes = body_.size();
    tries.head = &head_;
}

bool HealthProbe::judge() {
    if (check_.match == nullptr) {
        bool is_right = head_.status >= 200 && head_.status < 400;
        return is_right || fail_with("checking status code", {});
    }
    std::string_view fault = check_.match->tests.fault(head_, body_);
    if (!fault.empty()) return fail_with(request_.arena.join({"checking ", fault}), {});
    bool is_met = std::ranges::all_of(check_.match->required, [this](const Template& required) {
        std::string_view value = required.evaluate(request_);
        return !value.empty() && value != "0";
    });
    return is_met || fail_with("checking required condition", {});
}

}  // namespace ringx::http

// http/connection_log.cc - what a connection counts and says of its requests.
//
// A request is logged when its answer has left or has been given up, once, in the order the requests came; what was
// formatted and never sent does not count. Requests that nobody logs are given back before that, so an error may have
// to be told of the connection alone.
#include <algorithm>
#include <utility>

#include "base/format.h"
#include "http/connection.h"
#include "http/output.h"
#include "http/server.h"
#include "http/site.h"
#include "net/error_log.h"

namespace ringx::http {
namespace {


// What a line says of a connection alone.
void describe(const void* object, LogTail& tail) {
    const auto& peer = *static_cast<const Peer*>(object);
    tail.add("client", peer.remote().host_text());
    tail.add("server", peer.local().text());
}

}  // namespace

// The answer to the current request has left, or will not.
void Connection::finish_request() {
    Request& request = *request_;
    request_ = nullptr;
    request.worker->ended_us = 0;
    if (request.sent_status != 0) {  // otherwise it was never answered
        for (auto log : request.location->phases.logs) log(request);
    }
    server_.give_back(request);
}

void Connection::log_answered() {
    // They were put in front of each other: the log has them in the order they came.
    Request* in_order = nullptr;
    while (answered_ != nullptr) {
        Request* request = std::exchange(answered_, answered_->next);
        request->next = std::exchange(in_order, request);
    }
    if (in_order != nullptr) in_order->worker->ended_us = 0;  // all have ended now
    while (in_order != nullptr) {
        Request& request = *std::exchange(in_order, in_order->next);
        for (auto log : request.location->phases.logs) log(request);
        server_.give_back(request);
    }
}

// What is left of the output will not be sent, and does not count. It belongs to the newest answers.
void Connection::drop(Output& output) {
    uint64_t unsent = output.unsent();
    auto take_back = [&unsent](Request& request) {
        uint64_t bytes = std::min(unsent, request.sent_bytes);
        unsent -= bytes;
        request.sent_bytes -= bytes;
        request.sent_body_bytes -= std::min(bytes, request.sent_body_bytes);
        if (bytes > 0) request.completed = false;
    };
    if (request_ != nullptr) take_back(*request_);
    for (Request* request = answered_; request != nullptr; request = request->next) take_back(*request);
    output = Output();
}

bool Connection::has_unsent(const Output& output) const {
    return !output.empty() || (stream_.has_unsent() && !gave_up_);
}

// What is being sent answers this request; null when it was given back already, because nobody logs it.
const Request* Connection::current() const { return request_ != nullptr ? request_ : answered_; }

// As nginx words it, which tells an answer from what another server has answered.
std::string_view Connection::sending() const {
    const Request* request = current();
    return request != nullptr && !request->upstream.empty() ? "sending to client" : "sending response to client";
}

const CoreSettings& Connection::current_core() const {
    const Request* request = current();
    return request != nullptr ? *request->core : *listen_.point->default_server().outside.core;
}

void Connection::log_current(Level level, Error error, std::string_view what, std::string_view doing) const {
    if (const Request* request = current()) {
        LogContext context = request->log_context();
        context.doing = doing;
        return request->log().write(level, context, error, "{}", what);
    }
    const Log& log = error_log(*listen_.point->default_server().outside.block);
    log.write(level, LogContext{peer_.number, describe, &peer_, doing}, error, "{}", what);
}

// How the client has broken TLS, when that is the error; empty otherwise.
std::string_view Connection::fault_of_tls(Error error) const {
    bool is_of_tls = error.number == EPROTO && stream_.tls() != nullptr;
    return is_of_tls ? std::string_view(stream_.tls()->fault()) : std::string_view();
}

// Between requests the client left, failed, or (before the first one) said nothing for too long.
void Connection::log_leaving(Error error) const {
    const Log& log = error_log(*listen_.point->default_server().outside.block);
    if (!log.admits(Level::info) || error.number == ECANCELED) return;
    bool timed_out = error.number == ETIMEDOUT;
    if (timed_out && (peer_.requests > 0 || server_.draining())) return;
    std::string_view tls_fault = fault_of_tls(error);
    if (!tls_fault.empty()) {
        LogContext context{peer_.number, describe, &peer_, peer_.requests > 0 ? "keepalive" : "waiting for request"};
        return log.write(Level::info, context, "SSL_read() failed{}", tls_fault);
    }
    if (peer_.requests > 0) {
        return log.write(Level::info, LogContext{peer_.number}, error, "client {} closed keepalive connection",
                         peer_.remote().host_text());
    }
    std::string_view what = timed_out ? "client timed out" : error.number != 0 ? "recv() failed"
                                                                               : "client closed connection";
    std::string_view doing = awaits_proxy_header_ ? "reading PROXY protocol" : "waiting for request";
    log.write(Level::info, LogContext{peer_.number, describe, &peer_, doing}, error, "{}", what);
}

const Log& Connection::handshake_log() const { return error_log(*listen_.point->default_server().outside.block); }

LogContext Connection::handshake_context() const { return {peer_.number, describe, &peer_, "SSL handshaking"}; }

void Connection::log_handshake(Error error, std::string_view what) const {
    handshake_log().write(Level::info, handshake_context(), error, "{}", what);
}

void Connection::log_proxy_fault(std::string_view fault) const {
    const Log& log = error_log(*listen_.point->default_server().outside.block);
    log.write(Level::error, LogContext{peer_.number, describe, &peer_, "reading PROXY protocol"}, "{}", fault);
}

void Connection::report_send_error(const Output& output) const {
    if (output.truncated()) return log_current(Level::alert, {}, "file was truncated", sending());
    log_send_error(output.error());
}

void Connection::log_send_error(Error error) const {
    // That a client leaves is no fault of ours.
    bool left = error.number == EPIPE || error.number == ECONNRESET;
    log_current(left ? Level::info : Level::error, error, text::format("{}() failed", error.call), sending());
}

}  // namespace ringx::http

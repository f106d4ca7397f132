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

// The answer to the current request has left, or will not.
void Connection::finish_request() {
    Request& request = *request_;
    request_ = nullptr;
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

// What is being sent answers this request; null when it was given back already, because nobody logs it.
const Request* Connection::current() const { return request_ != nullptr ? request_ : answered_; }

const CoreSettings& Connection::current_core() const {
    const Request* request = current();
    return request != nullptr ? *request->core : *listen_.point->default_server().outside.core;
}

void Connection::log_current(Level level, Error error, std::string_view what) const {
    if (const Request* request = current()) {
        return request->log().write(level, request->log_context(), error, "{}", what);
    }
    auto describe = [](const void* peer, LogTail& tail) {
        tail.add("client", static_cast<const Peer*>(peer)->remote().host_text());
    };
    const Log& log = error_log(*listen_.point->default_server().outside.block);
    log.write(level, LogContext{peer_.number, describe, &peer_}, error, "{}", what);
}

void Connection::log_proxy_fault(std::string_view fault) const {
    auto describe = [](const void* object, LogTail& tail) {
        const auto& peer = *static_cast<const Peer*>(object);
        tail.add("client", peer.remote().host_text());
        tail.add("server", peer.local().text());
    };
    const Log& log = error_log(*listen_.point->default_server().outside.block);
    log.write(Level::error, LogContext{peer_.number, describe, &peer_}, "{} while reading PROXY protocol", fault);
}

void Connection::report_send_error(const Output& output) const {
    if (output.truncated()) return log_current(Level::alert, {}, "file was truncated while it was being sent");
    // That a client leaves is no fault of ours.
    bool left = output.error().number == EPIPE || output.error().number == ECONNRESET;
    log_current(left ? Level::info : Level::error, output.error(), text::format("{}() failed", output.error().call));
}

}  // namespace ringx::http

#include "http/remains.h"

#include <string>
#include <utility>

#include "http/server_settings.h"
#include "http/site.h"
#include "http/tunnel.h"

namespace ringx::http {

// What a line of the error log says of a request.
struct Remains::Described {
    std::string client, server, request, upstream, host, referrer;

    static void describe(const void* object, LogTail& tail) {
        const auto& of = *static_cast<const Described*>(object);
        tail.add("client", of.client);
        tail.add("server", of.server);
        tail.quote("request", of.request);
        tail.quote("upstream", of.upstream);
        tail.quote("host", of.host);
        if (!of.referrer.empty()) tail.quote("referrer", of.referrer);
    }
};

Remains::Remains(Request& request)
    : started_us_(request.started_us),
      received_bytes_(request.received_bytes),
      sent_bytes_(request.sent_bytes),
      sent_body_bytes_(request.sent_body_bytes),
      sent_status_(request.sent_status),
      method_(request.method()),
      log_(request.log()) {
    if (const UpstreamTries* tries = request.states.find<UpstreamTries>()) {
        for (const UpstreamTry* one = tries->first(); one != nullptr; one = one->next) {
            tries_.push_back(*one);
            tries_.back().peer = {};
            tries_.back().next = nullptr;
        }
    }
    if (log_.admits(Level::info)) {
        auto text = [](std::string_view view) { return std::string(view); };
        described_ = std::make_unique<const Described>(
            text(request.remote().host_text()), text(request.server->settings->first_name),
            text(request.head.request_line), text(request.upstream), text(request.head.value(Header::host)),
            text(request.head.value(Header::referer)));
    }
    for (const Module* module : modules()) {
        std::unique_ptr<Outlasting> kept = module->outlast != nullptr ? module->outlast(request) : nullptr;
        if (kept != nullptr) kept_.push_back(std::move(kept));
    }
}

Remains::~Remains() = default;

void Remains::log_end(Request& request, const Tunnel& tunnel, Result<> ended) {
    if (!ended && ended.error().number != ECANCELED && described_ != nullptr) {
        LogContext context{request.peer->number, Described::describe, described_.get(), "proxying upgraded connection"};
        Error error = ended.error();
        std::string_view who = tunnel.client_has_stalled() ? "client" : "upstream";
        if (error.number == ETIMEDOUT) log_.write(Level::info, context, error, "{} timed out", who);
        else log_.write(Level::info, context, error, "{}() failed", error.call);
    }
    request.started_us = started_us_;
    request.head.method = method_;
    request.sent_status = sent_status_;
    request.received_bytes = received_bytes_ + tunnel.from_client();
    request.sent_bytes = sent_bytes_ + tunnel.from_server();
    request.sent_body_bytes = sent_body_bytes_ + tunnel.from_server();
    if (!tries_.empty()) {
        UpstreamTry& last = tries_.back();
        last.bytes_received += tunnel.from_server();
        last.bytes_sent += tunnel.from_client();
        last.response_us = request.worker->clock.now_us() - last.started_us;
        auto& tries = request.states.get<UpstreamTries>(request.arena);
        for (const UpstreamTry& one : tries_) tries.add(request.arena) = one;
    }
    for (const std::unique_ptr<Outlasting>& kept : kept_) kept->log(request);
}

}  // namespace ringx::http

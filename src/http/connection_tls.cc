// http/connection_tls.cc - the beginning and the end of TLS on a connection.
//
// The server is chosen by name before OpenSSL sees a byte, so that all it does is by that server's settings alone:
// protocols, certificates, sessions. All of it has to come within client_header_timeout. Who speaks plain HTTP is told
// so (497), unless TLS is optional here: then both are served, and what follows looks at the connection alone.
#include <algorithm>

#include "base/format.h"
#include "http/connection.h"
#include "http/host.h"
#include "http/server.h"
#include "http/site.h"
#include "http/status_zones.h"
#include "net/client_hello.h"

namespace ringx::http {
namespace {

// For how long a client may take to answer our last word with its own.
constexpr uint64_t close_wait_ms = 1000;

// The name as servers are looked up by, or nothing when it is no host name: neither a path nor an address is one
// (RFC 6066 section 3).
std::string host_of(const std::string& server_name) {
    auto host = parse_host(server_name);
    if (!host || !host->port.empty() || server_name.starts_with('[')) return {};
    std::string storage;
    return std::string(lower_host(*host, storage));
}

bool is_acceptable(VerifyClient verify, long result) {
    if (result == X509_V_OK) return true;
    if (verify != VerifyClient::optional_no_ca) return false;
    return result == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT || result == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
           result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           result == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

// The part of a handshake that is work for the CPU.
struct HandshakeStep {
    Tls& tls;
    Tls::Progress progress = Tls::Progress::hungry;
};

// Counts a handshake in its worker, and in the zone of its server. Both last as long as the worker.
class HandshakeCount {
 public:
    HandshakeCount(TlsMetrics& worker, const VirtualServer& server) : worker_(worker) {
        const StatusZone* zone = *status_settings.in(*server.outside.block).server;
        if (zone != nullptr) zone_ = zone->tls;
    }

    void stop_watch() { us_ = Clock::read_us() - started_us_; }
    void done(const TlsInfo& info) {
        worker_.count(info.version, info.is_resumed, us_);
        if (zone_ != nullptr) zone_->count(info.version, info.is_resumed, us_);
    }
    void failed(TlsFailure failure) {
        worker_.count(failure);
        if (zone_ != nullptr) zone_->count(failure);
    }
    // The network's fault, or the client's.
    void failed(Error error) {
        if (error.number == ECANCELED) return;  // we end it
        failed(error.number == ETIMEDOUT ? TlsFailure::timed_out : TlsFailure::closed);
    }

 private:
    TlsMetrics& worker_;
    TlsMetrics* zone_ = nullptr;
    uint64_t started_us_ = Clock::read_us();
    uint64_t us_ = 0;
};

void shake_hands_of(void* context) {
    auto& step = *static_cast<HandshakeStep*>(context);
    step.progress = step.tls.shake_hands();
}

}  // namespace

// The client left or was too slow, or the network failed.
void Connection::log_handshake_end(Error error) const {
    if (error.number == ECANCELED) return;
    bool is_late = error.number == ETIMEDOUT;
    log_handshake(error, error.number == 0 ? "peer closed connection in SSL handshake"
                         : is_late         ? "client timed out"
                                           : "SSL_do_handshake() failed");
}

bool Connection::begins_with_tls() const { return listen_.point->tls() != ListenTls::off; }

Task<Connection::Turn> Connection::begin_tls() {
    const uint64_t until_ms = server_.clock().now_ms() + idle_limit_ms_;
    ClientHello hello;
    while (hello.kind == ClientHello::Kind::need_more) {
        uint64_t left_ms = until_ms - std::min(until_ms - 1, server_.clock().now_ms());
        Result<Lease> got = co_await stream_.receiver().next(left_ms);
        if (!got || got->empty() || ended_) {
            Error error = ended_ ? Error{"recv", ECANCELED} : got ? Error{"recv", 0} : got.error();
            pending().empty() ? log_leaving(error) : log_handshake_end(error);
            closing_ = true;
            co_return Turn::close;
        }
        hold(std::move(*got));
        bool is_at_hello = !awaits_proxy_header_ || read_proxy_header();
        if (closing_) co_return Turn::close;
        if (is_at_hello) hello = read_client_hello(pending());
        if (hello.kind == ClientHello::Kind::need_more) keep_partial_head();
    }
    if (hello.kind == ClientHello::Kind::plain) co_return serve_pending();
    std::string name = host_of(hello.server_name);
    bool done = co_await shake_hands(name, until_ms);
    if (!done) closing_ = true;
    // No answer takes it along: what is here of a request is not a whole record.
    bool has_to_leave = done && stream_.has_unsent() && !stream_.receiver().ready();
    co_return !done ? Turn::close : has_to_leave ? Turn::slow : Turn::listen;
}

// False when it failed, which was reported.
Task<bool> Connection::shake_hands(std::string_view server_name, uint64_t until_ms) {
    // What is chosen now holds for the connection, whatever is loaded meanwhile. A server without certificates uses
    // those of the default server.
    const VirtualServer* server = &listen_.point->find(server_name);
    if (server->settings->tls == nullptr) server = &listen_.point->default_server();
    std::shared_ptr<const TlsContext> context = server->settings->tls;
    HandshakeCount count(server_.tls_metrics(), *server);
    if (context == nullptr) {
        count.failed(TlsFailure::refused);
        log_handshake({}, "TLS is not spoken here since the last reload");
        co_return false;
    }
    auto tls = std::make_unique<Tls>(std::move(context), server_.ticket_keys(), peer_.fd, server_name);
    bool whole = consumed_ == 0 && !lease_.empty();
    tls->push(whole ? std::move(lease_) : Lease(std::make_unique<std::string>(pending())));
    lease_.release();
    input_ = nullptr;
    consumed_ = 0;

    if (server->settings->named_certificates != nullptr) {
        co_await show_named_certificates(*tls, *server);
        if (ended_) co_return false;
    }
    Tls::Progress progress = Tls::Progress::hungry;
    while (progress == Tls::Progress::hungry) {
        Result<Tls::Progress> went = co_await go_on_with_handshake(*tls, until_ms);
        if (!went) {
            count.failed(went.error());
            log_handshake_end(went.error());
            co_return false;
        }
        progress = *went;
    }
    if (tls->has_lost_sessions()) {
        handshake_log().write(Level::alert, handshake_context(),
                              "shared memory zone \"{}\" was emptied: a process died while it was writing there",
                              tls->context().session_zone()->name);
    }
    count.stop_watch();
    if (progress == Tls::Progress::failed) {
        count.failed(tls_failure(tls->fault_code()));
        log_handshake({}, text::format("SSL_do_handshake() failed{}", tls->fault()));
        co_return false;
    }
    ClientFault fault = nullptr;
    if (tls->context().client_ocsp() != nullptr) fault = co_await check_client(*tls, until_ms);
    settle(*tls);
    count.done(tls->info());
    tls->set_client_fault(fault);
    peer_.tls = tls.get();
    stream_.secure(std::move(tls));
    co_return !ended_;
}

// The handshake is over. That the kernel cannot do its part is said once.
void Connection::settle(Tls& tls) {
    tls.settle(server_.kernel_seals());
    if (tls.kernel_error() == 0) return;
    handshake_log().write(Level::notice, handshake_context(), {"setsockopt", tls.kernel_error()},
                          "the kernel cannot encrypt TLS, ringx does");
    server_.note_kernel_cannot_seal();
}

// Asks responders about the client's certificate.
Task<ClientFault> Connection::check_client(Tls& tls, uint64_t until_ms) {
    OcspInquiry::Subject subject{.log = [this]() -> const Log& { return handshake_log(); },
                                 .context = handshake_context()};
    uint64_t left_ms = until_ms - std::min(until_ms - 1, server_.clock().now_ms());
    ClientFault fault = co_await ask_about_client(server_.client_desk(), tls.handshake(), *tls.context().client_ocsp(),
                                                  subject, left_ms);
    co_return fault;
}

// One step of it: as far as what has come allows, all that is to be said, and what comes then.
Task<Result<Tls::Progress>> Connection::go_on_with_handshake(Tls& tls, uint64_t until_ms) {
    HandshakeStep step{tls};
    if (tls.is_slow()) {
        Blocking elsewhere(server_.loop(), shake_hands_of, &step);
        co_await elsewhere;
        if (ended_) co_return fail("recv", ECANCELED);
    } else {
        shake_hands_of(&step);
    }
    tls.give_back();
    auto left_ms = [&] { return until_ms - std::min(until_ms - 1, server_.clock().now_ms()); };
    if (step.progress == Tls::Progress::done && tls.may_wait()) co_return step.progress;
    while (!tls.push()) {
        if (tls.error() != 0) co_return fail("send", tls.error());
        Wait wait(server_.loop(), Operation::Kind::poll, peer_.fd, "send", left_ms());
        wait.events = POLLOUT;
        waiting_ = &wait;
        Result<int> ready = co_await wait;
        waiting_ = nullptr;
        if (!ready) co_return std::unexpected(ready.error());
    }
    if (step.progress != Tls::Progress::hungry) co_return step.progress;
    Result<Lease> got = co_await stream_.receiver().next(left_ms());
    if (!got) co_return std::unexpected(got.error());
    if (ended_) co_return fail("recv", ECANCELED);
    if (got->empty()) co_return fail("recv", 0);
    tls.push(std::move(*got));
    co_return step.progress;
}

// Whether a plain request has to come over TLS instead: everywhere on the address, which may have been plain before a
// reload, or because its server wants to see a certificate.
bool Connection::needs_tls() const {
    if (listen_.point->tls() == ListenTls::on) return true;
    return request_->server->settings->needs_client_certificate;
}

// Why a request is not answered by the server it asks for; 0: it is.
uint16_t Connection::tls_refusal() const {
    const Tls* tls = peer_.tls;
    if (tls == nullptr) return needs_tls() ? 497 : 0;
    // What somebody else may have sent before must be harmless (RFC 8470 section 4).
    bool is_harmless = request_->method() == Method::get || request_->method() == Method::head ||
                       request_->method() == Method::options;
    if (tls->is_early() && !is_harmless) return 425;
    const TlsContext* context = request_->server->settings->tls.get();
    auto refuse = [&](uint16_t status, std::string_view why) {
        request_->log().write(Level::info, request_->log_context(), "{}", why);
        return status;
    };
    // Without certificates of its own it could not ask for any: whatever was shown, another server has judged it.
    if (context == nullptr && request_->server->settings->needs_client_certificate) {
        return refuse(496, "client sent no required SSL certificate");
    }
    if (context == nullptr || context->verify() == VerifyClient::off) return 0;
    std::string storage;
    std::string_view host = lower_host(request_->head.host, storage);
    bool is_same = tls->server_name().empty() ? request_->server == &listen_.point->default_server()
                                              : tls->server_name() == host;
    if (!is_same) {
        request_->keep_alive = false;  // the client shall greet that server
        return refuse(421, "client attempted to request the server name different from the one that was negotiated");
    }
    // Nor shall its session open a connection later.
    auto refuse_client = [&](uint16_t status, std::string_view why) {
        tls->forget_session();
        return refuse(status, why);
    };
    const TlsInfo& info = tls->info();
    long result = info.verify_result;
    if (!is_acceptable(context->verify(), result)) {
        return refuse_client(495, text::format("client SSL certificate verify error: ({}:{})", result,
                                               X509_verify_cert_error_string(result)));
    }
    if (context->verify() == VerifyClient::on && info.client_certificate == nullptr) {
        return refuse_client(496, "client sent no required SSL certificate");
    }
    if (info.client_fault != nullptr) {
        return refuse_client(495, text::format("client SSL certificate verify error: {}", info.client_fault));
    }
    return 0;
}

// Says that this is the end, behind an answer that waits for it, and waits a while for the client to say the same: who
// closes with bytes unread would destroy what is still on its way.
Task<void> Connection::close_tls() {
    TlsChannel& tls = *stream_.tls();
    const bool has_answer = tls.has_unsent();
    tls.send_close_notify();
    while (!tls.push() && tls.error() == 0) {
        Result<> writable = co_await wait_writable();
        if (!writable) co_return;
    }
    if (tls.error() != 0 && has_answer) log_send_error({"send", tls.error()});
    if (linger_ms_ > 0 || tls.error() != 0) co_return;
    linger_ms_ = close_wait_ms;
    idle_limit_ms_ = close_wait_ms;
}

}  // namespace ringx::http

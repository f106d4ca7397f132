#include "net/tls_connect.h"

#include <poll.h>

#include "base/format.h"

namespace ringx {
namespace {

// The part of a handshake that is work for the CPU.
struct Step {
    TlsClient& tls;
    TlsClient::Progress progress = TlsClient::Progress::hungry;
};

void take_step(void* context) {
    auto& step = *static_cast<Step*>(context);
    step.progress = step.tls.shake_hands();
}

TlsFault network_fault(Error error) {
    if (error.number == ETIMEDOUT) return {error, "upstream timed out"};
    bool has_left = error.number == 0 || error.number == ECONNRESET || error.number == EPIPE;
    return {error, has_left ? "peer closed connection in SSL handshake" : "SSL_do_handshake() failed"};
}

}  // namespace

void TlsConnect::cancel() {
    cancelled_ = true;
    if (waiting_ != nullptr) waiting_->cancel();
}

uint64_t TlsConnect::left_ms() const {
    uint64_t now = loop_.clock().now_ms();
    return now < until_ms_ ? until_ms_ - now : 0;
}

Task<TlsConnect::Outcome> TlsConnect::run(std::unique_ptr<TlsClient> tls, uint64_t limit_ms) {
    until_ms_ = loop_.clock().now_ms() + limit_ms;
    Result<> went = co_await shake_hands(*tls);
    if (!went) co_return std::unexpected(network_fault(went.error()));
    if (progress_ == Progress::failed) {
        co_return std::unexpected(TlsFault{{}, text::format("SSL_do_handshake() failed{}", tls->fault())});
    }
    auto judged = tls->settle();
    if (!judged) co_return std::unexpected(TlsFault{{}, std::move(judged.error())});
    stream_.secure(std::move(tls));
    co_return Outcome();
}

// Until it is done or has failed; what is to be said has been sent.
Task<Result<>> TlsConnect::shake_hands(TlsClient& tls) {
    for (;;) {
        if (cancelled_) co_return fail("connect", ECANCELED);
        Step step{tls};
        if (tls.is_slow()) {
            Blocking elsewhere(loop_, take_step, &step);
            co_await elsewhere;
            if (cancelled_) co_return fail("connect", ECANCELED);
        } else {
            take_step(&step);
        }
        progress_ = step.progress;
        tls.give_back();
        Result<> sent = co_await push(tls);
        // A server that ends it may not want to hear why.
        if (progress_ == Progress::failed) co_return Result<>();
        if (!sent) co_return sent;
        if (progress_ == Progress::done) co_return Result<>();

        // However little comes each time, and however soon.
        if (left_ms() == 0) co_return fail("recv", ETIMEDOUT);
        Result<Lease> got = co_await stream_.receiver().next(left_ms());
        if (!got) co_return std::unexpected(got.error());
        if (got->empty()) co_return fail("recv", 0);
        tls.push(std::move(*got));
    }
}

Task<Result<>> TlsConnect::push(TlsClient& tls) {
    while (!tls.push()) {
        if (tls.error() != 0) co_return fail("send", tls.error());
        Wait wait(loop_, Operation::Kind::poll, stream_.fd(), "send", left_ms());
        wait.events = POLLOUT;
        waiting_ = &wait;
        Result<int> ready = co_await wait;
        waiting_ = nullptr;
        if (!ready) co_return std::unexpected(ready.error());
        if (cancelled_) co_return fail("connect", ECANCELED);
    }
    co_return Result<>();
}

}  // namespace ringx

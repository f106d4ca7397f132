#include "net/relay.h"

#include <sys/socket.h>

#include <string>

namespace ringx {
namespace {

// The other side learns that no more will come; in TLS by its own word for it.
void say_end(Stream& to) {
    if (to.tls() != nullptr) {
        to.tls()->send_close_notify();
        (void)to.push();
    }
    (void)shutdown(to.fd(), SHUT_WR);
}

}  // namespace

Task<Result<>> Relay::run(std::string_view of_client, std::string_view of_server) {
    note_activity();
    Task<void> upwards = carry(client_, of_client);
    Task<void> downwards = carry(server_, of_server);
    co_await upwards;
    co_await downwards;
    loop_.timers().stop(*this);
    bool is_done = error_.number == ETIMEDOUT && one_has_ended_ && !client_.has_stalled && !server_.has_stalled;
    if (stopped_ && !is_done) co_return std::unexpected(error_);
    co_return Result<>();
}

Task<void> Relay::carry(Direction& direction, std::string_view first) {
    Result<> begun = co_await send(direction, first);
    if (!begun) stop(begun.error());
    while (!stopped_) {
        Result<Lease> got = co_await direction.from.receiver().next(no_limit);
        if (!got) {
            stop(got.error());
            co_return;
        }
        if (got->empty()) {
            say_end(direction.to);
            one_has_ended_ = true;
            note_activity();
            co_return;
        }
        note_activity();
        // Whoever takes slowly keeps no buffer from others.
        if (got->is_wanted()) got = Lease(std::make_unique<std::string>(got->view()));
        std::string_view bytes = got->view();
        Result<> sent = co_await send(direction, bytes);
        if (!sent) {
            stop(sent.error());
            co_return;
        }
    }
}

Task<Result<>> Relay::send(Direction& direction, std::string_view bytes) {
    Stream& to = direction.to;
    direction.bytes += bytes.size();
    while (!bytes.empty() || to.has_unsent()) {
        if (stopped_) co_return std::unexpected(error_);
        iovec part{const_cast<char*>(bytes.data()), bytes.size()};
        ssize_t sent = to.has_unsent() ? to.push() : to.send({&part, 1}, Follows::nothing);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) co_return fail("send");
        Wait wait(loop_, Operation::Kind::poll, to.fd(), "send", direction.send_limit_ms);
        wait.events = POLLOUT;
        direction.waiting = &wait;
        Result<int> ready = co_await wait;
        direction.waiting = nullptr;
        if (!ready && !stopped_) direction.has_stalled = ready.error().number == ETIMEDOUT;
        if (!ready) co_return std::unexpected(stopped_ ? error_ : ready.error());
        note_activity();
    }
    co_return Result<>();
}

void Relay::cancel() { stop({"recv", ECANCELED}); }

void Relay::stop(Error error) {
    if (stopped_) return;
    stopped_ = true;
    error_ = error;
    for (Direction* direction : {&client_, &server_}) {
        direction->from.receiver().interrupt();
        if (direction->waiting != nullptr) direction->waiting->cancel();
    }
}

}  // namespace ringx

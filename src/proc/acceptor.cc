#include "proc/acceptor.h"

#include <sys/socket.h>

#include <algorithm>

namespace ringx::proc {

namespace {

constexpr uint64_t pause_ms_min = 100;
constexpr uint64_t pause_ms_max = 500;  // nginx's accept_mutex_delay, which it uses for the same

// The connection is at fault, or nobody: the next may be fine.
bool passes(int error) {
    switch (error) {
        case ECONNABORTED:
        case EAGAIN:
        case EINTR:
        case EPERM:   // a firewall's word about this one
        case EPROTO:
        case ENETDOWN:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ECANCELED:
            return true;
        default:
            return false;
    }
}

Level severity(int error) {
    switch (error) {
        case ECANCELED:
        case EAGAIN:
        case EINTR:
            return Level::debug;
        case EMFILE:
        case ENFILE:
            return Level::crit;
        default:
            return passes(error) ? Level::error : Level::alert;
    }
}

}  // namespace

Acceptor::Acceptor(Loop& loop, const Listen& listen, Fd socket, Sink& sink)
    : loop_(loop), sink_(sink), key_(listen.key), socket_(std::move(socket)) {
    kind = listen.address.family() == AF_UNIX ? Kind::accept : Kind::accept_many;
    fd = socket_.get();
}

Acceptor::~Acceptor() { loop_.engine().close(socket_.release()); }

void Acceptor::start() {
    wanted_ = true;
    if (!in_flight() && !pausing_) arm();
}

void Acceptor::stop() {
    wanted_ = false;
    loop_.engine().cancel(*this);
}

void Acceptor::arm() { loop_.engine().start(*this); }

void Acceptor::complete(Outcome outcome) {
    if (outcome.result >= 0) {
        pause_ms_ = 0;
        sink_.accepted(Fd(outcome.result), key_);
    } else {
        failed(-outcome.result);
    }
    if (!in_flight() && wanted_ && !pausing_) arm();
}

void Acceptor::failed(int error) {
    sink_.log().write(severity(error), Error{"accept4", error}, "accept4() failed");
    if (passes(error)) return;
    // Out of something: others have to let go of it first.
    pause_ms_ = std::clamp(pause_ms_ * 2, pause_ms_min, pause_ms_max);
    pausing_ = true;
    loop_.set_timer(*this, pause_ms_);
}

void Acceptor::expire() {
    pausing_ = false;
    if (!in_flight() && wanted_) arm();
}

void Acceptor::take_queue() {
    CHECK(idle());
    for (;;) {
        Fd socket(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (socket) {
            sink_.accepted(std::move(socket), key_);
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

}  // namespace ringx::proc

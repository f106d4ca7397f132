#include "event/wait.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ringx {
namespace {

// Leases a Receiver holds before it stops listening. One wake-up of the kernel may add a few more.
constexpr uint32_t held_max = 4;

size_t bytes_of(const msghdr& message) {
    size_t bytes = 0;
    for (size_t i = 0; i < message.msg_iovlen; ++i) bytes += message.msg_iov[i].iov_len;
    return bytes;
}

}  // namespace

Wait::~Wait() {
    if (buffer_ >= 0) loop_.engine().buffers().give_back(buffer_);
}

void Wait::await_suspend(std::coroutine_handle<> waiter) {
    CHECK(buffer_ < 0);
    waiter_ = waiter;
    timed_out_ = false;
    if (limit_ms_ != no_limit) loop_.set_timer(*this, limit_ms_);
    loop_.engine().start(*this);
}

void Wait::complete(Outcome outcome) {
    CHECK(!outcome.more);
    result_ = outcome.result;
    buffer_ = outcome.buffer;
    loop_.timers().stop(*this);
    waiter_.resume();
}

void Wait::expire() {
    timed_out_ = true;
    cancel();
}

Result<int> Wait::await_resume() {
    if (timed_out_) {
        bool cut_short = kind == Kind::send && result_ >= 0 && static_cast<size_t>(result_) < bytes_of(*message);
        if (result_ == -ECANCELED || cut_short) return fail(call_, ETIMEDOUT);
    }
    if (result_ < 0) return fail(call_, -result_);
    return result_;
}

Lease Wait::lease() {
    if (buffer_ < 0) return {};
    return Lease(loop_.engine().buffers(), std::exchange(buffer_, -1), static_cast<uint32_t>(result_));
}

Receiver::~Receiver() {
    while (held_.count() > 0) held_.pop(loop_.engine().buffers());
}

uint64_t Receiver::left_ms() const {
    uint64_t now = loop_.clock().now_ms();
    return deadline_ms() > now ? deadline_ms() - now : 0;
}

void Receiver::arm() {
    if (is_shared_) kind = Kind::receive;
    loop_.engine().start(*this);
}

void Receiver::await_next(std::coroutine_handle<> waiter, uint64_t limit_ms) {
    CHECK(!waiter_);
    waiter_ = waiter;
    rests_ = false;
    if (limit_ms != no_limit) loop_.set_timer(*this, limit_ms);
    if (!in_flight()) arm();
}

void Receiver::interrupt() {
    if (!waiter_) return;
    interrupted_ = true;
    loop_.set_timer(*this, 0);
}

void Receiver::rest() {
    rests_ = is_shared_ = true;
    loop_.engine().cancel(*this);
}

void Receiver::look() {
    CHECK(!in_flight());
    BufferPool& pool = loop_.engine().buffers();
    if (over_ || ended_ || holds_bytes()) return;  // what is held comes first
    int32_t buffer = pool.take();
    if (buffer < 0) return;
    pool.lend(buffer, pool.bytes());
    ssize_t got = recv(fd, pool.memory(buffer), pool.bytes(), MSG_DONTWAIT);
    int error = got < 0 ? errno : 0;
    pool.lend(buffer, static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0) return held_.push(pool, buffer, static_cast<uint32_t>(got));
    pool.give_back(buffer);
    if (error == EAGAIN || error == EINTR) return;
    over_ = true;
    over_error_ = static_cast<int16_t>(error);
}

void Receiver::watch() {
    rests_ = false;
    if (!in_flight() && !over_ && !ended_ && !is_full()) arm();
}

Lease Receiver::pop() {
    if (held_.count() > 0) return held_.pop(loop_.engine().buffers());
    return Lease(std::move(copied_));
}

Result<Lease> Receiver::take_next() {
    bool timed_out = std::exchange(timed_out_, false);
    bool interrupted = std::exchange(interrupted_, false);
    if (filter_ != nullptr && filter_->state() == ReceiveFilter::State::ready) return filter_->take();
    if (holds_bytes() && filter_ == nullptr) return pop();
    if (ended_) return fail("recv", ECANCELED);
    if (over_ && over_error_ != 0) return fail("recv", over_error_);
    if (over_) return Lease();
    CHECK(timed_out);
    return fail("recv", interrupted ? ECANCELED : ETIMEDOUT);
}

bool Receiver::filter_ready() {
    while (filter_->state() == ReceiveFilter::State::hungry) {
        if (!holds_bytes()) return over_ || ended_;
        filter_->push(pop());
    }
    return true;
}

// The stream is over, and nothing of it is held.
bool Receiver::is_over() {
    if (!over_) return false;
    if (filter_ == nullptr) return !holds_bytes();
    return filter_ready() && filter_->state() == ReceiveFilter::State::hungry;
}

void Receiver::watch_bytes(Deferred* watcher) {
    rests_ = false;
    watch(watcher, true);
    bool starts = watcher_ != nullptr && !in_flight();  // and nothing is there: it would have been told
    if (starts) arm();
}

Result<Lease> Receiver::take() {
    CHECK(ready() && !waiter_);
    Result<Lease> taken = take_next();
    if (!in_flight() && !over_ && !ended_ && !rests_) arm();
    return taken;
}

void Receiver::end() {
    ended_ = true;
    loop_.engine().cancel(*this);
}

void Receiver::await_end(std::coroutine_handle<> waiter) {
    CHECK((ended_ || rests_) && !end_waiter_);
    end_waiter_ = waiter;
}

bool Receiver::fills_buffer(Outcome outcome) const {
    return static_cast<uint32_t>(outcome.result) == loop_.engine().buffers().bytes();
}

bool Receiver::is_full() const { return held_.count() >= held_max || copied_ != nullptr; }

void Receiver::complete(Outcome outcome) {
    BufferPool& pool = loop_.engine().buffers();
    auto bytes = static_cast<uint32_t>(outcome.result);
    if (outcome.buffer >= 0 && (copied_ != nullptr || (!waiter_ && pool.is_scarce()))) {
        // It may stay for long, and then it must not keep a buffer from others.
        if (copied_ == nullptr) copied_ = std::make_unique<std::string>();
        Lease lease(pool, outcome.buffer, bytes);
        copied_->append(lease.view());
    } else if (outcome.buffer >= 0) {
        held_.push(pool, outcome.buffer, bytes);
    } else if (outcome.result != -ECANCELED) {
        over_ = true;
        over_error_ = static_cast<int16_t>(-outcome.result);
    }
    bool is_wanted = waiter_ != nullptr || (watches_bytes_ && watcher_ != nullptr);
    tell_watcher();

    // Who does not take what came stops the flow; who waits starts it again. After the first receive somebody has to
    // ask, unless more has come than it could take.
    bool was_first = std::exchange(kind, Kind::receive_many) == Kind::receive;
    bool is_served = waiter_ != nullptr && ready();
    bool still_waits = waiter_ != nullptr && !is_served;
    bool is_large = outcome.result > 0 && fills_buffer(outcome);
    bool is_taken_apart = is_shared_ && was_first && is_large;
    if (outcome.result > 0 && !is_large && !rests_) is_shared_ = false;
    bool goes_on = outcome.result > 0 ? !was_first || (is_large && !is_taken_apart) || still_waits : is_wanted;
    if (in_flight()) {
        if (is_full()) loop_.engine().cancel(*this);
    } else if (!over_ && !ended_ && !rests_ && !is_full() && goes_on) {
        arm();
    }

    auto waiter = is_served ? std::exchange(waiter_, nullptr) : nullptr;
    auto end_waiter = in_flight() ? nullptr : std::exchange(end_waiter_, nullptr);
    if (waiter) {
        loop_.timers().stop(*this);
        waiter.resume();
    }
    if (end_waiter) end_waiter.resume();
}

void Receiver::expire() {
    timed_out_ = true;
    std::exchange(waiter_, nullptr).resume();
}

void Sleep::await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    loop_.set_timer(*this, after_ms_);
}

void Sleep::cancel() {
    if (!waiter_) return;
    cancelled_ = true;
    loop_.set_timer(*this, 0);
}

void Sleep::expire() { std::exchange(waiter_, nullptr).resume(); }

}  // namespace ringx

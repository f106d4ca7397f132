// event/wait.h - how coroutines wait: for one operation, for received bytes, for a while, for a thread.
//
// Each of these lives in the frame of the coroutine that awaits it (STYLE section 2: await alone, into a name). A limit
// in milliseconds is the longest it may last: when it runs out the operation is cancelled and the result is ETIMEDOUT,
// unless it succeeded in the same moment.
#pragma once

#include <sys/uio.h>

#include <coroutine>
#include <span>

#include "base/result.h"
#include "event/loop.h"

namespace ringx {

constexpr uint64_t no_limit = ~uint64_t{0};

// Any single operation: describe it (the public fields of Operation), then `auto r = co_await wait;`. May be awaited
// again. A send that ran out of time failed, however much of it has left.
class Wait : public Operation, private Timer {
 public:
    Wait(Loop& loop, Kind what, int on, const char* call_name, uint64_t limit = no_limit)
        : loop_(loop), limit_ms_(limit), call_(call_name) {
        kind = what;
        fd = on;
    }
    ~Wait() override;

    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter);
    Result<int> await_resume();

    // The bytes of a `receive` that succeeded.
    Lease lease();

    // Ends the wait early with ECANCELED.
    void cancel() { loop_.engine().cancel(*this); }

 private:
    void complete(Outcome outcome) override;
    void expire() override;

    Loop& loop_;
    uint64_t limit_ms_;
    const char* call_;
    std::coroutine_handle<> waiter_;
    int result_ = 0;
    int32_t buffer_ = -1;
    bool timed_out_ = false;
};

// Stands between what a socket receives and who reads it: TLS.
class ReceiveFilter {
 public:
    enum class State : uint8_t {
        hungry,  // there is nothing until more is pushed
        ready,   // take() has bytes, the end of the stream (an empty lease) or an error
    };
    virtual ~ReceiveFilter() = default;
    virtual State state() = 0;
    virtual void push(Lease lease) = 0;  // REQUIRES: it is hungry
    virtual Result<Lease> take() = 0;    // REQUIRES: it is ready
};

// Receives from a socket, lease after lease, and stays armed in between: data and the end of the stream are noticed at
// once, also while nobody waits. It holds at most a few leases nobody has asked for, or copies when buffers are scarce,
// then stops listening until they are taken. A limit that runs out ends the wait of next(), not the receiving.
//
// The first receive is a single one, because many connections ask for one thing and end: nothing is armed then that
// would have to be stopped. It stays armed from the second next() on, or from watch().
class Receiver : public Operation, private Timer {
 public:
    Receiver(Loop& loop, int socket) : loop_(loop) {
        kind = Kind::receive;
        fd = socket;
    }
    ~Receiver() override;

    Loop& loop() const { return loop_; }

    // From now on everything is read through it; null: as it comes. It outlives the receiver's use of it.
    void set_filter(ReceiveFilter* filter) { filter_ = filter; }

    // Awaitable: the next bytes; an empty lease at the end of the stream.
    struct Next {
        Receiver& receiver;
        uint64_t limit_ms;
        bool await_ready() { return receiver.ready(); }
        void await_suspend(std::coroutine_handle<> waiter) { receiver.await_next(waiter, limit_ms); }
        Result<Lease> await_resume() { return receiver.take_next(); }
    };
    Next next(uint64_t limit_ms) { return {*this, limit_ms}; }

    // Deferred as soon as the stream is known to be over and nothing of it is held: whoever works for the other side
    // may want to stop. Null: nobody any more.
    void watch_end(Deferred* watcher) { watch(watcher, false); }

    // Deferred, once, when take() has something to give, whatever it is. In the place of the other one.
    void watch_bytes(Deferred* watcher);

    // What next() would give. REQUIRES: ready(), and nobody waits in next().
    Result<Lease> take();

    // Notices data and the end also when nobody waits in next().
    void watch();

    // Who waits in next() has waited for `limit_ms` less this.
    uint64_t left_ms() const;
    bool is_awaited() const { return waiter_ != nullptr; }
    // And goes on for no longer than this. REQUIRES: somebody waits.
    void shorten(uint64_t limit_ms) {
        CHECK(is_awaited());
        loop_.set_timer(*this, limit_ms);
    }

    // Who waits in next() goes on with ECANCELED, unless something comes in the same moment. Nothing else changes.
    void interrupt();

    // Leaves the socket to others: once it is at_rest(), and what is held was taken, they may receive from it. The next
    // next(), watch() or watch_bytes() receives again, but once only, so that nothing has to be stopped next time: it
    // stays armed as soon as less than a buffer has come.
    void rest();

    // Receives what has come, without waiting and without being told of more; nothing while something is held, or
    // without a buffer. REQUIRES: nothing is in flight.
    void look();

    // True when next() would not wait.
    bool ready() { return filter_ == nullptr ? holds_bytes() || over_ || ended_ : filter_ready(); }

    // Ends it: whoever waits gets ECANCELED, and so does every later next(). Bytes already held can still be taken.
    void end();
    // True when the kernel holds nothing of it any more. After end(), await ended() before the socket is closed.
    struct Ended {
        Receiver& receiver;
        bool await_ready() const { return !receiver.in_flight(); }
        void await_suspend(std::coroutine_handle<> waiter) { receiver.await_end(waiter); }
        void await_resume() const {}
    };
    Ended ended() { return {*this}; }
    // The same after rest().
    Ended at_rest() { return {*this}; }

 private:
    bool holds_bytes() const { return held_.count() > 0 || copied_ != nullptr; }
    bool is_full() const;
    bool filter_ready();
    bool is_over();
    void arm();
    void await_next(std::coroutine_handle<> waiter, uint64_t limit_ms);
    Result<Lease> take_next();
    Lease pop();
    void await_end(std::coroutine_handle<> waiter);
    void watch(Deferred* watcher, bool bytes) {
        watcher_ = watcher;
        watches_bytes_ = bytes;
        tell_watcher();
    }
    void tell_watcher() {
        if (watcher_ == nullptr) return;
        bool is_due = watches_bytes_ ? ready() : is_over();
        if (is_due) loop_.defer(*std::exchange(watcher_, nullptr));
    }
    bool fills_buffer(Outcome outcome) const;
    void complete(Outcome outcome) override;
    void expire() override;

    Loop& loop_;
    ReceiveFilter* filter_ = nullptr;
    std::coroutine_handle<> waiter_;      // for the next bytes
    std::coroutine_handle<> end_waiter_;  // for the last answer
    Deferred* watcher_ = nullptr;
    LeaseQueue held_;
    std::unique_ptr<std::string> copied_;  // what came behind it while buffers were scarce
    bool over_ : 1 = false;      // the socket has nothing more to give
    bool ended_ : 1 = false;     // end() was called
    bool rests_ : 1 = false;     // rest() was
    bool is_shared_ : 1 = false;  // others receive, too: what is large
    bool timed_out_ = false;
    bool interrupted_ = false;
    bool watches_bytes_ = false;
    int16_t over_error_ = 0;  // why it is over; 0: the end of the stream
};

// Waits for `after_ms` to pass. cancel() ends it early; the result tells whether the time passed.
class Sleep : private Timer {
 public:
    Sleep(Loop& loop, uint64_t after_ms) : loop_(loop), after_ms_(after_ms) {}
    bool await_ready() const { return after_ms_ == 0; }
    void await_suspend(std::coroutine_handle<> waiter);
    bool await_resume() const { return !cancelled_; }
    void cancel();

 private:
    void expire() override;

    Loop& loop_;
    uint64_t after_ms_;
    std::coroutine_handle<> waiter_;
    bool cancelled_ = false;
};

// Runs `call(context)` on a thread of the loop's pool and waits for it.
class Blocking : private BlockingJob {
 public:
    Blocking(Loop& loop, void (*call)(void*), void* context) : loop_(loop), call_(call), context_(context) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        loop_.blocking().run(*this);
    }
    void await_resume() const {}

 private:
    void work() override { call_(context_); }
    void done() override { waiter_.resume(); }

    Loop& loop_;
    void (*call_)(void*);
    void* context_;
    std::coroutine_handle<> waiter_;
};

// Counts what is inside and lets one coroutine wait until all have left.
class Gate {
 public:
    void enter() { ++inside_; }
    void leave() {
        CHECK(inside_ > 0);
        if (--inside_ == 0 && waiter_) std::exchange(waiter_, nullptr).resume();
    }
    size_t inside() const { return inside_; }

    bool await_ready() const { return inside_ == 0; }
    void await_suspend(std::coroutine_handle<> waiter) { waiter_ = waiter; }
    void await_resume() const {}

 private:
    size_t inside_ = 0;
    std::coroutine_handle<> waiter_;
};

}  // namespace ringx

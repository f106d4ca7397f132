// event/signal.h - one coroutine tells another, which waits for it, that something has changed.
//
// Whoever waits has looked before, and looks again afterwards: a signal while nobody waits is forgotten. Who waits goes
// on within set().
#pragma once

#include <coroutine>
#include <utility>

#include "base/check.h"

namespace ringx {

class Signal {
 public:
    ~Signal() { CHECK(!waiter_); }

    void set() {
        if (waiter_) std::exchange(waiter_, nullptr).resume();
    }

    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        CHECK(!waiter_);
        waiter_ = waiter;
    }
    void await_resume() const {}

 private:
    std::coroutine_handle<> waiter_;
};

}  // namespace ringx

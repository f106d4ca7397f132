// event/next_turn.h - how a coroutine with much to do lets others have their turn.
//
// Awaited, it goes on in one of the loop's next turns, after the answers that are there by then. Each turn has room for
// one of those who wait like this, so that an answer never waits for more than one long step.
#pragma once

#include <coroutine>

#include "event/loop.h"

namespace ringx {

class NextTurn : private Deferred {
 public:
    explicit NextTurn(Loop& loop) : loop_(loop) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        loop_.queue(*this);
    }
    void await_resume() const {}

 private:
    void run() override { waiter_.resume(); }

    Loop& loop_;
    std::coroutine_handle<> waiter_;
};

}  // namespace ringx

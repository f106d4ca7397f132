// net/steering.h - what a protocol may ask of whoever runs the server: is the configuration good, and use it.
//
// A request in a worker asks; the master, or the only process there is, knows. A question lives in the frame of who
// awaits its answer, and can be given up at any time: then nobody is told, and what was begun goes on. Whoever answers
// is not waited for longer than a reload may take.
#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/result.h"
#include "conf/mistake.h"
#include "event/loop.h"

namespace ringx {

struct SteeringAnswer {
    bool good = false;        // no mistake stands in the way; of a reload: every worker serves it
    uint32_t generation = 0;  // in force now
    std::vector<conf::Mistake> mistakes = {};
};

class SteeringQuestion;

// Whom to ask.
class Steering {
 public:
    enum class Wish : uint32_t {
        check,   // builds the configuration as it is now, and throws it away
        reload,  // puts it in force
    };
    virtual ~Steering() = default;

    // Calls tell() later, once, unless the question was withdrawn. Errors: EAGAIN when too much is asked already,
    // EPIPE when there is nobody who knows.
    virtual Result<> ask(SteeringQuestion& question) = 0;
    virtual void withdraw(SteeringQuestion& question) = 0;
    // False when there is nobody who knows any more.
    virtual bool is_there() const = 0;
};

// `auto answer = co_await question;` gives a Result<SteeringAnswer>. Errors: those of ask(); EPIPE also when who knows
// goes away; ECANCELED when it was given up; ETIMEDOUT.
class SteeringQuestion : private Timer {
 public:
    SteeringQuestion(Steering& steering, Loop& loop, Steering::Wish what)
        : wish(what), steering_(steering), loop_(loop) {}
    ~SteeringQuestion() override { CHECK(!waiter_); }

    const Steering::Wish wish;

    bool await_ready() {
        auto asked = steering_.ask(*this);
        if (!asked) answer_ = std::unexpected(asked.error());
        return !asked;
    }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        loop_.set_timer(*this, limit_ms);
    }
    Result<SteeringAnswer> await_resume() { return std::move(answer_); }

    // For who was asked. Its waiter goes on within the call.
    void tell(Result<SteeringAnswer> answer) {
        loop_.timers().stop(*this);
        answer_ = std::move(answer);
        std::exchange(waiter_, nullptr).resume();
    }

    // Ends the wait soon. The answer, should it come, is nobody's any more.
    void cancel() {
        if (!waiter_) return;
        steering_.withdraw(*this);
        answer_ = fail("reload", ECANCELED);
        loop_.set_timer(*this, 0);
    }

 private:
    // A reload gives its workers a minute, and those who replace them another one; one may be under way before it.
    static constexpr uint64_t limit_ms = 250'000;

    void expire() override {
        steering_.withdraw(*this);
        if (answer_) answer_ = fail("reload", ETIMEDOUT);
        std::exchange(waiter_, nullptr).resume();
    }

    Steering& steering_;
    Loop& loop_;
    std::coroutine_handle<> waiter_;
    Result<SteeringAnswer> answer_;
};

}  // namespace ringx

// event/loop.h - one worker's turn after turn: wait, answer, expire, run what was put off.
//
// Everything of a worker happens inside one of these turns, on one thread. The only doors for other threads are post()
// and the pool of threads for calls that block.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "event/blocking_pool.h"
#include "event/engine.h"
#include "event/timer.h"

namespace ringx {

// Something to run at the end of the current turn.
class Deferred : public ListNode {
 public:
    virtual ~Deferred() = default;

 protected:
    friend class Loop;
    virtual void run() = 0;
};

class Loop {
 public:
    Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop();

    // Makes the engine; see make_engine.
    Result<> open(const EngineSettings& settings);
    // For unit tests: the given engine.
    void open(std::unique_ptr<Engine> engine);

    Engine& engine() { return *engine_; }
    const Clock& clock() const { return clock_; }
    TimerWheel& timers() { return timers_; }
    BlockingPool& blocking() { return blocking_; }

    void set_timer(Timer& timer, uint64_t after_ms) { timers_.set(timer, clock_.now_ms() + after_ms); }

    // Runs it at the end of this turn, or of the next when called from within run().
    void defer(Deferred& deferred) { deferred_.push_back(deferred); }

    // Runs it at the end of a later turn, in the order of the queue, one each turn: for steps that take long.
    void queue(Deferred& step) { queued_.push_back(step); }

    // Runs `call` on the loop's thread in a coming turn. From any thread.
    void post(std::function<void()> call);

    // Reads the clock. Engines call it when their sleep is over, before they deliver: a turn happens at one time.
    void refresh_clock() { clock_.refresh(); }

    // Turns until stop().
    void run();
    void stop() { stopped_ = true; }
    // One turn; sleeps at most `sleep_ms_max`. For run() and for tests.
    void turn(std::optional<uint64_t> sleep_ms_max = {});

 private:
    void run_posted();

    Clock clock_;
    TimerWheel timers_;
    std::unique_ptr<Engine> engine_;
    List<Deferred> deferred_;
    List<Deferred> queued_;
    std::mutex posted_mutex_;
    std::vector<std::function<void()>> posted_;
    std::atomic<bool> has_posted_ = false;
    bool stopped_ = false;
    BlockingPool blocking_;  // last: its threads post to the members above
};

}  // namespace ringx

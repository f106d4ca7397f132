// event/engine.h - the seam between the loop and the kernel: operations in, outcomes out.
//
// The interface has the shape of completions; io_uring has it by nature, and the epoll engine imitates it: it tries the
// system call when the descriptor is ready, and gives regular files to the pool of threads. A scripted third one stands
// in for both in unit tests. The rules are those of event/operation.h and hold for all of them alike.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/counter.h"
#include "base/histogram.h"
#include "base/result.h"
#include "event/batch_sender.h"
#include "event/buffer_pool.h"
#include "event/operation.h"

namespace ringx {

class Loop;

// What the `events` block says about the engine. Counts are rounded and bounded by the engine.
struct EngineSettings {
    enum class Choice : uint8_t { automatic, io_uring, epoll };
    Choice choice = Choice::automatic;
    uint32_t sq_entries = 1024;
    uint32_t cq_entries = 8192;
    uint32_t receive_buffers = 1024;      // of the pool, for either engine
    uint32_t receive_buffer_bytes = 4096;
    bool sqpoll = false;
    uint32_t sqpoll_idle_ms = 50;
    int sqpoll_cpu = -1;
    uint32_t napi_busy_us = 0;            // 0: off
    bool napi_prefer = false;
    uint32_t submit_interval_us = 100;    // submit in the midst of a long batch; 0: never
    uint32_t file_threads = 4;            // epoll: threads that read and open files

    friend bool operator==(const EngineSettings&, const EngineSettings&) = default;
};

// What an engine has done; for the metrics and for tuning.
struct EngineCounters {
    static constexpr std::string_view kind = "engine";
    static constexpr size_t gauges = 0;

    Counter waits;          // calls that may sleep
    Counter buffer_parks;   // receives that had to wait for a buffer
    Counter overflows;      // times the completion queue overflowed
    Counter submit_full;    // times the submission queue was full
    Histogram completions;  // of each turn that had some
    Histogram turn_us;      // how long each turn took: who comes meanwhile waits for as long

    void add(const EngineCounters& other, bool living);
};

class Engine {
 public:
    virtual ~Engine() = default;

    // "io_uring" or "epoll".
    virtual std::string_view name() const = 0;

    // REQUIRES: the operation is described and not in flight.
    void start(Operation& operation) {
        CHECK(!operation.in_flight_);
        operation.in_flight_ = true;
        operation.cancelled_ = false;
        begin(operation);
    }

    // Asks for an early end of an operation; its last answer still comes, from the loop. Without effect when it is not
    // in flight.
    void cancel(Operation& operation) {
        if (operation.in_flight_ && !operation.cancelled_) {
            operation.cancelled_ = true;
            abandon(operation);
        }
    }

    // Closes a descriptor that operations were started on.
    // REQUIRES: none of them is in flight.
    virtual void close(int fd) = 0;

    // Nobody is woken any more by what happens on a descriptor that operations were started on, until another one is.
    // REQUIRES: none of them is in flight.
    virtual void unwatch(int) {}

    // Submits what was started, sleeps until there is an answer, `sleep_ms` have passed (0: no sleep; none: no limit)
    // or wake() was called, refreshes the loop's clock, and delivers the answers that are there.
    virtual void wait(std::optional<uint64_t> sleep_ms) = 0;

    // Ends a sleep in wait(), now or the next. From any thread.
    virtual void wake() = 0;

    virtual BufferPool& buffers() = 0;

    // Takes bytes that shall be sent, to send them together with what else this turn submits, which costs less where
    // there is much to do. False: not this time, they are to be sent at once. Until send_batch(), or the end of the
    // turn, nobody else may do anything with the socket.
    virtual bool send_with_batch(BatchSender&, int /*fd*/, std::span<const iovec>, size_t /*bytes*/) { return false; }
    // What was taken leaves now; whom that does not succeed for is told.
    virtual void send_batch() {}
    // What was taken under another number has left.
    uint32_t batch_number() const { return batch_number_; }

    const EngineCounters& counters() const { return *counters_; }
    // From now on it counts there.
    void count_in(EngineCounters& counters) { counters_ = &counters; }

 protected:
    virtual void begin(Operation& operation) = 0;
    virtual void abandon(Operation& operation) = 0;

    static bool is_cancelled(const Operation& operation) { return operation.cancelled_; }

    // Delivers an answer.
    void answer(Operation& operation, Outcome outcome) {
        CHECK(operation.in_flight_);
        operation.in_flight_ = outcome.more;
        ++completions_;
        operation.complete(outcome);
    }

    // Called at the beginning of wait(): the turn that began then has ended.
    void count_turn(uint64_t began_us) {
        counters_->waits.add(1);
        if (completions_ > 0) counters_->completions.add(std::exchange(completions_, 0));
        if (std::exchange(has_turned_, true)) counters_->turn_us.add(Clock::read_us() - began_us);
    }

    EngineCounters unseen_;
    EngineCounters* counters_ = &unseen_;
    bool has_turned_ = false;   // what comes before the first wait() is no turn
    uint32_t completions_ = 0;  // of this turn
    uint32_t batch_number_ = 1;
};

// Whether io_uring can serve as the engine in this process tree: nothing, or the reason why not in words for the log,
// such as "io_uring_setup() failed (1: Operation not permitted), kernel.io_uring_disabled is 2". Makes a ring and
// closes it.
std::optional<std::string> io_uring_unavailable();

// The engine for a worker; `loop` is the one that will call wait(). Makes the ring and its buffers, so call it before
// the worker drops root (after, when sqpoll is on). The choice must not be `automatic` any more.
Result<std::unique_ptr<Engine>> make_engine(const EngineSettings& settings, Loop& loop);

}  // namespace ringx

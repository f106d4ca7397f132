// net/peer_queue.h - requests that wait, in order, until a peer of a group has room for one more.
//
// A worker has a queue for each roster's group. Whoever gives a connection of a peer back calls the first in the queue,
// which tries again at the end of the turn and leaves, or goes on waiting. What other workers give back is noticed by
// looking: the first does so every look_again_ms. A PeerWait lives in the frame of whoever waits.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <list>

#include "event/loop.h"

namespace ringx {

class PeerWait;

class PeerQueue {
 public:
    PeerQueue() = default;
    PeerQueue(const PeerQueue&) = delete;
    PeerQueue& operator=(const PeerQueue&) = delete;
    ~PeerQueue() { CHECK(waiting_.empty()); }

    size_t size() const { return waiting_.size(); }
    bool empty() const { return waiting_.empty(); }
    // There may be room.
    void call_first();

 private:
    friend class PeerWait;
    std::list<PeerWait*> waiting_;
};

class PeerWait : private Deferred, private Timer {
 public:
    static constexpr uint64_t look_again_ms = 50;

    // Takes the last place of the queue, which outlives it. It waits until then at most, in the loop's milliseconds.
    PeerWait(Loop& loop, PeerQueue& queue, uint64_t until_ms);
    PeerWait(const PeerWait&) = delete;
    PeerWait& operator=(const PeerWait&) = delete;
    ~PeerWait() override;

    bool is_first() const { return queue_.waiting_.front() == this; }
    bool is_late() const { return loop_.clock().now_ms() >= until_ms_; }

    // Awaitable, again and again: until there may be room for the first, it is late, or cancelled.
    bool await_ready() const { return cancelled_; }
    void await_suspend(std::coroutine_handle<> waiter);
    void await_resume() const {}

    void cancel();

 private:
    friend class PeerQueue;
    void call();
    void go_on();
    void run() override { go_on(); }
    void expire() override { go_on(); }

    Loop& loop_;
    PeerQueue& queue_;
    uint64_t until_ms_;
    std::list<PeerWait*>::iterator place_;
    std::coroutine_handle<> waiter_;
    bool cancelled_ = false;
};

}  // namespace ringx

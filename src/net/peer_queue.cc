#include "net/peer_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace ringx {

void PeerQueue::call_first() {
    if (!waiting_.empty()) waiting_.front()->call();
}

PeerWait::PeerWait(Loop& loop, PeerQueue& queue, uint64_t until_ms) : loop_(loop), queue_(queue), until_ms_(until_ms) {
    place_ = queue_.waiting_.insert(queue_.waiting_.end(), this);
}

PeerWait::~PeerWait() {
    CHECK(!waiter_);
    loop_.timers().stop(*this);
    static_cast<Deferred&>(*this).unlink();
    bool was_first = is_first();
    queue_.waiting_.erase(place_);
    if (was_first) queue_.call_first();  // there may be room for two, and somebody has to look from now on
}

void PeerWait::await_suspend(std::coroutine_handle<> waiter) {
    CHECK(!waiter_);
    waiter_ = waiter;
    uint64_t now_ms = loop_.clock().now_ms(), left_ms = until_ms_ > now_ms ? until_ms_ - now_ms : 0;
    loop_.set_timer(*this, is_first() ? std::min(left_ms, look_again_ms) : left_ms);
}

// At the end of the turn: whoever calls may hold a lock, and is not done.
void PeerWait::call() {
    if (waiter_ && !static_cast<Deferred&>(*this).linked()) loop_.defer(*this);
}

void PeerWait::cancel() {
    cancelled_ = true;
    call();
}

void PeerWait::go_on() {
    loop_.timers().stop(*this);
    static_cast<Deferred&>(*this).unlink();
    if (waiter_) std::exchange(waiter_, nullptr).resume();
}

}  // namespace ringx

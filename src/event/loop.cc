#include "event/loop.h"

#include <algorithm>
#include <utility>

namespace ringx {

Loop::Loop() : timers_(clock_.now_ms()), blocking_(*this) {}

Loop::~Loop() = default;

Result<> Loop::open(const EngineSettings& settings) {
    CHECK(engine_ == nullptr);
    blocking_.set_threads_max(settings.file_threads);
    auto made = make_engine(settings, *this);
    if (!made) return std::unexpected(made.error());
    open(std::move(*made));
    return {};
}

void Loop::open(std::unique_ptr<Engine> engine) {
    CHECK(engine_ == nullptr);
    engine_ = std::move(engine);
}

void Loop::post(std::function<void()> call) {
    {
        std::lock_guard lock(posted_mutex_);
        posted_.push_back(std::move(call));
    }
    if (!has_posted_.exchange(true)) engine_->wake();
}

void Loop::run() {
    stopped_ = false;
    while (!stopped_) turn();
}

void Loop::turn(std::optional<uint64_t> sleep_ms_max) {
    std::optional<uint64_t> sleep_ms = sleep_ms_max;
    if (!deferred_.empty() || !queued_.empty() || has_posted_) {
        sleep_ms = 0;
    } else if (auto next = timers_.next_ms()) {
        uint64_t until = *next - std::min(*next, clock_.now_ms());
        sleep_ms = std::min(until, sleep_ms_max.value_or(until));
    }
    bool has_queued = !queued_.empty();
    engine_->wait(sleep_ms);

    if (has_posted_) run_posted();
    timers_.expire(clock_.now_ms());
    List<Deferred> due;
    due.take_all(deferred_);
    while (!due.empty()) due.pop_front().run();
    // What came into the queue in this turn has not let the next answers go first.
    if (has_queued && !queued_.empty()) queued_.pop_front().run();
}

void Loop::run_posted() {
    has_posted_ = false;  // before the calls are taken: whoever posts from here on wakes the engine again
    std::vector<std::function<void()>> calls;
    {
        std::lock_guard lock(posted_mutex_);
        calls.swap(posted_);
    }
    for (auto& call : calls) call();
}

}  // namespace ringx

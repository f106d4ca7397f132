#include "event/blocking_pool.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include "base/check.h"
#include "event/loop.h"
#include "event/thread_priority.h"

namespace ringx {

class BlockingPool::Errand final : public BlockingJob {
 public:
    Errand(BlockingPool& owner, std::move_only_function<void()> work) : owner_(owner), work_(std::move(work)) {}

    void do_unless_begun() {
        if (work_) work();
    }

 private:
    void work() override { std::exchange(work_, nullptr)(); }
    void done() override {
        std::erase_if(owner_.errands_, [this](const std::unique_ptr<Errand>& errand) { return errand.get() == this; });
    }

    BlockingPool& owner_;
    std::move_only_function<void()> work_;  // null: begun
};

BlockingPool::BlockingPool(Loop& loop) : loop_(loop) {}

BlockingPool::~BlockingPool() {
    {
        std::lock_guard lock(mutex_);
        ending_ = true;
    }
    work_there_.notify_all();
    for (pthread_t thread : threads_) pthread_join(thread, nullptr);
    for (auto& errand : errands_) errand->do_unless_begun();
}

void BlockingPool::leave(std::move_only_function<void()> work) {
    run(*errands_.emplace_back(std::make_unique<Errand>(*this, std::move(work))));
}

void BlockingPool::run(BlockingJob& job) {
    bool wanted;
    {
        std::lock_guard lock(mutex_);
        waiting_.push_back(job);
        ++waiting_count_;
        wanted = waiting_count_ > idle_;
    }
    if (wanted && threads_.size() < threads_max_) start_thread();
    if (threads_.empty()) {
        // The system has no thread left for us. The loop stalls for this job, and the job is done all the same.
        job.unlink();
        --waiting_count_;
        job.work();
        loop_.post([&job] { job.done(); });
        return;
    }
    work_there_.notify_one();
}

void BlockingPool::start_thread() {
    // Signals are the loop's.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    auto begin = [](void* pool) -> void* {
        static_cast<BlockingPool*>(pool)->serve();
        return nullptr;
    };
    if (pthread_create(&thread, nullptr, begin, this) == 0) threads_.push_back(thread);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void BlockingPool::serve() {
    stand_back();
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        work_there_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        --idle_;
        if (ending_) return;
        BlockingJob& job = waiting_.pop_front();
        --waiting_count_;
        lock.unlock();
        job.work();
        loop_.post([&job] { job.done(); });
        lock.lock();
    }
}

}  // namespace ringx

// event/blocking_pool.h - a few threads for calls that block, so that the loop never does.
//
// A job's work() runs on one of the threads, its done() afterwards on the loop. Threads are started when first needed,
// block all signals, yield to the loop, and are joined at the end; jobs not begun by then are not run. What is only
// left to them, leave(), is done in any case.
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/list.h"

namespace ringx {

class Loop;

class BlockingJob : public ListNode {
 public:
    virtual ~BlockingJob() = default;

 protected:
    friend class BlockingPool;
    virtual void work() = 0;  // on a thread of the pool
    virtual void done() = 0;  // on the loop; the job may be destroyed or run again from here
};

class BlockingPool {
 public:
    explicit BlockingPool(Loop& loop);
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;
    ~BlockingPool();

    // At most this many threads; takes effect for threads not yet started.
    void set_threads_max(uint32_t threads) { threads_max_ = threads; }

    // REQUIRES: the job lives until done() was called. From the loop's thread.
    void run(BlockingJob& job);

    // Runs `work` some time; nobody waits for it. What is not begun at the end is done then.
    void leave(std::move_only_function<void()> work);

 private:
    class Errand;

    void start_thread();
    void serve();

    Loop& loop_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable work_there_;
    List<BlockingJob> waiting_;
    uint32_t waiting_count_ = 0;
    uint32_t idle_ = 0;
    bool ending_ = false;

    // The loop's own.
    std::vector<pthread_t> threads_;
    std::vector<std::unique_ptr<Errand>> errands_;
    uint32_t threads_max_ = 4;
};

}  // namespace ringx

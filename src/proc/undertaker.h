// proc/undertaker.h - what a generation that has gone leaves behind is freed on a thread.
//
// A large configuration is hundreds of thousands of objects, and who lets go of it last is the loop. Its parts are
// held by pointers that hand them over here. In the master, before the worker's loop runs, and once it has ended, they
// are freed where they are.
#pragma once

#include <pthread.h>

#include <memory>
#include <vector>

#include "event/blocking_pool.h"

namespace ringx::proc {

class Undertaker {
 public:
    Undertaker();
    ~Undertaker();
    Undertaker(const Undertaker&) = delete;
    Undertaker& operator=(const Undertaker&) = delete;

    // From now on, called by the loop's thread, on a thread of the pool; null: no more.
    void use(BlockingPool* pool) { pool_ = pool; }
    // From any thread.
    void free(std::shared_ptr<const void> what);

 private:
    class Job;

    pthread_t loop_thread_ = pthread_self();
    BlockingPool* pool_ = nullptr;
    std::vector<std::unique_ptr<Job>> jobs_;
};

// What a generation's parts know of the worker that serves it.
struct Burial {
    Undertaker* undertaker = nullptr;
};

// The same object; when its last holder lets go, it is freed as `burial` then says.
template <typename T>
std::shared_ptr<T> buried(std::shared_ptr<const Burial> burial, std::shared_ptr<T> what) {
    T* object = what.get();
    return std::shared_ptr<T>(object, [burial = std::move(burial), what = std::move(what)](T*) mutable {
        if (burial->undertaker != nullptr) burial->undertaker->free(std::move(what));
        what.reset();
    });
}

}  // namespace ringx::proc

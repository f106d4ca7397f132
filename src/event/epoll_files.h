// event/epoll_files.h - regular files for the epoll engine.
//
// A regular file is always "ready" to epoll, and then read() sleeps for the disk. So reads and writes are made on a
// thread of the loop's pool. Opening is tried at once in a form that refuses to sleep (RESOLVE_CACHED); whoever asks
// for a read has looked into the page cache before. What a thread has begun cannot be taken back: a cancelled operation
// is answered when its thread is done, with what came of it.
#pragma once

#include <memory>
#include <vector>

#include "base/list.h"
#include "event/blocking_pool.h"
#include "event/operation.h"

namespace ringx {

class EpollFiles {
 public:
    // Who delivers the answers.
    class Owner {
     public:
        virtual void file_done(Operation& operation, int result) = 0;

     protected:
        ~Owner() = default;
    };

    EpollFiles(BlockingPool& threads, Owner& owner);
    ~EpollFiles();

    // Makes the call, here or on a thread. Answers from within when it need not sleep.
    // REQUIRES: called from the loop's turn, not from Engine::start; an `open` that could wait for a peer (a FIFO) says
    // O_NONBLOCK.
    void run(Operation& operation);

 private:
    class Job;

    BlockingPool& threads_;
    Owner& owner_;
    std::vector<std::unique_ptr<Job>> jobs_;  // as many as there ever were at one time
    List<Job> idle_;                          // those of them without work
};

}  // namespace ringx

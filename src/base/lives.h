// base/lives.h - which processes live: a page that the master writes and its children read.
//
// What a process holds in shared memory goes with it, however it dies, if everybody else can tell that it is gone. So a
// process has a Life: a slot of this page, and a number that no other process ever has. The master begins it before the
// fork and ends it when the process was reaped; what is marked with a life that has ended counts no more.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.h"

namespace ringx {

struct Life {
    uint32_t slot = 0;
    uint32_t number = 0;  // 0: nobody's

    friend bool operator==(const Life&, const Life&) = default;
};

class Lives {
 public:
    static constexpr uint32_t slots = 4096;  // workers, those that are leaving included

    // Maps the page; who is forked from now on shares it.
    Lives();
    Lives(const Lives&) = delete;
    Lives& operator=(const Lives&) = delete;
    ~Lives();

    Life begin();
    void end(Life life);

    bool has(Life life) const {
        return life.number != 0 && slots_[life.slot].load(std::memory_order_acquire) == life.number;
    }

 private:
    std::atomic<uint32_t>* slots_;  // the number of the life in each; 0: free
    uint32_t numbers_ = 0;
};

}  // namespace ringx

// base/counter.h - a number that one process writes, with plain stores, and many read.
//
// It begins at zero where memory is made of zeroes.
#pragma once

#include <atomic>
#include <cstdint>

namespace ringx {

class Counter {
 public:
    Counter() = default;
    Counter(const Counter& other) : value_(other.value()) {}
    Counter& operator=(const Counter& other) {
        set(other.value());
        return *this;
    }

    void add(uint64_t more) { set(value() + more); }
    void subtract(uint64_t less) { set(value() - less); }
    void set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
    uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
    std::atomic<uint64_t> value_ = 0;
};

}  // namespace ringx

// base/counters.h - what workers count, in memory that all of them see.
//
// Each worker has a slot of its own and writes it with plain stores; whoever wants to know adds up all slots. What has
// happened stays counted when a worker ends and its slot goes to another; what is going on counts only while the
// worker lives. The page is mapped before the first fork and outlives every generation.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ringx {

// Written by one process, read by many.
class Counter {
 public:
    void add(uint64_t more) { value_.store(value() + more, std::memory_order_relaxed); }
    void subtract(uint64_t less) { value_.store(value() - less, std::memory_order_relaxed); }
    void reset() { value_.store(0, std::memory_order_relaxed); }
    uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
    std::atomic<uint64_t> value_ = 0;
};

// A cache line of one worker.
struct alignas(64) Counters {
    // What has happened.
    Counter accepted;  // connections
    Counter handled;   // those of them that were served
    Counter requests;
    // What is going on: connections that are open, those whose head has come in part, those waiting to be answered.
    Counter active;
    Counter reading;
    Counter writing;

    std::atomic<pid_t> owner = 0;
};

class CounterPage {
 public:
    static constexpr size_t slots_max = 1024;  // workers, those that are leaving included

    // Maps the page; who is forked from now on shares it.
    CounterPage();
    CounterPage(const CounterPage&) = delete;
    CounterPage& operator=(const CounterPage&) = delete;
    ~CounterPage();

    // A slot for the calling process, until it ends or gives it back. There is always one: more workers than slots
    // share the last, and may then miscount.
    Counters& claim();
    static void give_back(Counters& slot);

    struct Sum {
        uint64_t accepted = 0, handled = 0, requests = 0, active = 0, reading = 0, writing = 0;
        uint64_t waiting() const { return active - (reading + writing < active ? reading + writing : active); }
    };
    Sum sum() const;

 private:
    std::span<Counters> slots_;
};

}  // namespace ringx

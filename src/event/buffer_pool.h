// event/buffer_pool.h - the worker's receive buffers, and leases on them.
//
// Received bytes lie in a buffer of the pool, and whoever holds the Lease may read them in place; destroying the lease
// gives the buffer back. Nobody keeps one while waiting for another peer. The engine decides where free buffers wait:
// io_uring posts some of them to the kernel's buffer ring, epoll takes them one by one. Under ASan every byte that is
// not leased is poisoned.
// Few buffers are used again and again (last in, first out), so that a large pool costs only the memory it really
// needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"

namespace ringx {

class BufferPool {
 public:
    // `count` buffers (at most 32768) of `bytes` each, rounded up to a multiple of 8. The memory is mapped, and taken
    // only when touched.
    BufferPool(uint32_t count, uint32_t bytes);
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;
    ~BufferPool();

    uint32_t count() const { return count_; }
    uint32_t bytes() const { return bytes_; }
    char* memory(int32_t buffer) const { return memory_ + size_t{bytes_} * static_cast<size_t>(buffer); }

    // Takes a free buffer for the engine or the kernel; -1 when there is none.
    int32_t take();
    // The first `filled` bytes of a taken buffer may be touched, the others not. Before: none of them.
    void lend(int32_t buffer, size_t filled);
    // Gives a taken or lent buffer back.
    void give_back(int32_t buffer);
    // Gives the memory of free buffers back to the system, for as long as they are not used.
    void trim();
    uint32_t available() const { return static_cast<uint32_t>(free_.size()); }
    // Half of them are in use: who keeps bytes for long copies them, and leaves the buffers to others.
    bool is_scarce() const { return available() < count_ / 2; }

 private:
    friend class LeaseQueue;

    struct Slot {
        uint32_t size = 0;  // in a LeaseQueue: what was received,
        uint16_t next = 0;  // and the buffer behind it
        bool taken = false;
        bool has_memory = false;  // it was lent since trim()
    };

    char* memory_;
    uint32_t count_;
    uint32_t bytes_;
    std::vector<uint16_t> free_;
    std::vector<Slot> slots_;
};

// Received bytes, in a buffer of the pool or, where those were scarce, in memory of their own. Empty at the end of the
// stream.
class Lease {
 public:
    Lease() = default;
    Lease(BufferPool& pool, int32_t buffer, uint32_t size) : pool_(&pool), buffer_(buffer), size_(size) {}
    explicit Lease(std::unique_ptr<std::string> copy) : size_(static_cast<uint32_t>(copy->size())) {
        copy_ = copy.release();
    }
    Lease(Lease&& other) noexcept { *this = std::move(other); }
    Lease& operator=(Lease&& other) noexcept {
        if (this != &other) {
            release();
            if (other.buffer_ == in_copy) copy_ = other.copy_;
            else pool_ = other.pool_;
            other.copy_ = nullptr;
            buffer_ = std::exchange(other.buffer_, in_copy);
            offset_ = std::exchange(other.offset_, 0);
            size_ = std::exchange(other.size_, 0);
        }
        return *this;
    }
    ~Lease() { release(); }

    std::string_view view() const { return {memory() + offset_, size_}; }
    bool empty() const { return size_ == 0; }
    // They may be changed: nobody else reads them.
    std::span<char> bytes() { return {memory() + offset_, size_}; }
    // Keeps so many of the bytes, from `first` on, and gives up the others.
    void narrow(size_t first, size_t count) {
        CHECK(first + count <= size_);
        offset_ += static_cast<uint32_t>(first);
        size_ = static_cast<uint32_t>(count);
    }

    // Others wait for the buffer it lies in, or will: who keeps the bytes copies them.
    bool is_wanted() const { return buffer_ != in_copy && pool_->is_scarce(); }

    void release() {
        if (buffer_ == in_copy) std::default_delete<std::string>()(copy_);
        else pool_->give_back(buffer_);
        copy_ = nullptr;
        buffer_ = in_copy;
        offset_ = size_ = 0;
    }

 private:
    char* memory() const {
        if (buffer_ != in_copy) return pool_->memory(buffer_);
        return copy_ == nullptr ? nullptr : copy_->data();
    }

    static constexpr int32_t in_copy = -1;

    union {
        std::string* copy_ = nullptr;  // owned; null: there are no bytes
        BufferPool* pool_;             // when there is a buffer
    };
    int32_t buffer_ = in_copy;
    uint32_t offset_ = 0;
    uint32_t size_ = 0;
};

// Lent buffers, first in, first out. The pool keeps the links, so that a queue is small wherever it is embedded.
class LeaseQueue {
 public:
    LeaseQueue() = default;
    LeaseQueue(const LeaseQueue&) = delete;
    LeaseQueue& operator=(const LeaseQueue&) = delete;
    ~LeaseQueue() { CHECK(count_ == 0); }

    uint32_t count() const { return count_; }
    void push(BufferPool& pool, int32_t buffer, uint32_t size);
    Lease pop(BufferPool& pool);

 private:
    uint16_t first_ = 0;
    uint16_t last_ = 0;
    uint16_t count_ = 0;
};

}  // namespace ringx

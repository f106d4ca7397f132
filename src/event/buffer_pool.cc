#include "event/buffer_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RINGX_POISON_BUFFERS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define RINGX_POISON_BUFFERS
#endif

#if defined(RINGX_POISON_BUFFERS)
#include <sanitizer/asan_interface.h>
#endif

namespace ringx {
namespace {

#if defined(RINGX_POISON_BUFFERS)
void forbid(char* memory, size_t bytes) { __asan_poison_memory_region(memory, bytes); }
void allow(char* memory, size_t bytes) { __asan_unpoison_memory_region(memory, bytes); }
#else
void forbid(char*, size_t) {}
void allow(char*, size_t) {}
#endif

}  // namespace

BufferPool::BufferPool(uint32_t count, uint32_t bytes) : count_(count), bytes_((bytes + 7) & ~7u), slots_(count) {
    CHECK(count > 0 && count <= 32768 && bytes_ > 0);
    size_t size = size_t{count_} * bytes_;
    void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(mapped != MAP_FAILED);
    memory_ = static_cast<char*>(mapped);
    // Advice only, a kernel built without it loses little: a huge page would make the untouched buffers cost memory,
    // and after a fork the kernel would write into one copy while we read the other.
    madvise(mapped, size, MADV_NOHUGEPAGE);
    madvise(mapped, size, MADV_DONTFORK);
    forbid(memory_, size);

    free_.reserve(count_);
    for (uint32_t i = count_; i > 0; --i) free_.push_back(static_cast<uint16_t>(i - 1));
}

BufferPool::~BufferPool() {
    size_t size = size_t{count_} * bytes_;
    allow(memory_, size);
    munmap(memory_, size);
}

int32_t BufferPool::take() {
    if (free_.empty()) return -1;
    uint16_t buffer = free_.back();
    free_.pop_back();
    slots_[buffer].taken = true;
    return buffer;
}

void BufferPool::lend(int32_t buffer, size_t filled) {
    Slot& slot = slots_[static_cast<size_t>(buffer)];
    CHECK(filled <= bytes_ && slot.taken);
    slot.has_memory = true;
    allow(memory(buffer), filled);
    forbid(memory(buffer) + filled, bytes_ - filled);
}

void BufferPool::give_back(int32_t buffer) {
    Slot& slot = slots_[static_cast<size_t>(buffer)];
    CHECK(slot.taken);
    slot.taken = false;
    forbid(memory(buffer), bytes_);
    free_.push_back(static_cast<uint16_t>(buffer));
}

void BufferPool::trim() {
    // Buffers that share pages with others keep them.
    if (bytes_ % static_cast<uint32_t>(getpagesize()) != 0) return;
    for (uint16_t buffer : free_) {
        if (std::exchange(slots_[buffer].has_memory, false)) madvise(memory(buffer), bytes_, MADV_DONTNEED);
    }
}

void LeaseQueue::push(BufferPool& pool, int32_t buffer, uint32_t size) {
    auto number = static_cast<uint16_t>(buffer);
    CHECK(pool.slots_[number].taken);
    pool.slots_[number].size = size;
    if (count_++ == 0) {
        first_ = number;
    } else {
        pool.slots_[last_].next = number;
    }
    last_ = number;
}

Lease LeaseQueue::pop(BufferPool& pool) {
    CHECK(count_ > 0);
    --count_;
    auto& slot = pool.slots_[first_];
    Lease lease(pool, first_, slot.size);
    first_ = slot.next;
    return lease;
}

}  // namespace ringx

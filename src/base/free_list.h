// base/free_list.h - blocks of one size that were given back, and wait to be taken again.
//
// For one thread. It costs less than malloc(), which has to find out the size and to look after the neighbours.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

// Sanitizers have to see who uses a block that was given back: with them none is kept.
#if defined(__SANITIZE_ADDRESS__)
#define RINGX_KEEP_BLOCKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RINGX_KEEP_BLOCKS 0
#endif
#endif
#ifndef RINGX_KEEP_BLOCKS
#define RINGX_KEEP_BLOCKS 1
#endif

namespace ringx {

class FreeList {
 public:
    // Null: there is none.
    void* take() {
        if (first_ == nullptr) return nullptr;
        --count_;
        return std::exchange(first_, first_->next);
    }
    // False: there are so many already, and the block stays its owner's. It comes from malloc().
    bool keep(void* block, size_t max) {
        if (!RINGX_KEEP_BLOCKS || count_ >= max) return false;
        first_ = ::new (block) Block{first_};
        ++count_;
        return true;
    }
    size_t count() const { return count_; }
    void release() {
        while (void* block = take()) free(block);
    }

 private:
    struct Block {
        Block* next;
    };

    Block* first_ = nullptr;
    size_t count_ = 0;
};

}  // namespace ringx

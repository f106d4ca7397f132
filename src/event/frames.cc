#include "event/frames.h"

#include <cstdlib>
#include <new>
#include <utility>

#include "base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define RINGX_RECYCLE_FRAMES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RINGX_RECYCLE_FRAMES 0
#endif
#endif
#ifndef RINGX_RECYCLE_FRAMES
#define RINGX_RECYCLE_FRAMES 1
#endif

namespace ringx {
namespace {

// Classes are this many bytes apart: what a frame wastes on average is half of it.
constexpr size_t class_bytes = 32;
constexpr size_t class_count = 64;

// Frames kept of one class. The rest goes back, so that memory returns after a crowd has left.
constexpr size_t kept_max = 256;

struct FreeFrame {
    FreeFrame* next;
};

struct FreeList {
    FreeFrame* first = nullptr;
    size_t count = 0;
};

struct FreeFrames {
    FreeList lists[class_count];

    ~FreeFrames() {
        for (auto& list : lists) {
            while (list.first != nullptr) free(std::exchange(list.first, list.first->next));
        }
    }
};

thread_local FreeFrames free_frames;

}  // namespace

void* allocate_frame(size_t bytes) {
    size_t size_class = (bytes - 1) / class_bytes;
    if (RINGX_RECYCLE_FRAMES && size_class < class_count) {
        FreeList& list = free_frames.lists[size_class];
        if (list.first != nullptr) {
            --list.count;
            return std::exchange(list.first, list.first->next);
        }
        bytes = (size_class + 1) * class_bytes;
    }
    void* frame = malloc(bytes);
    CHECK(frame != nullptr);
    return frame;
}

void free_frame(void* frame, size_t bytes) {
    size_t size_class = (bytes - 1) / class_bytes;
    if (RINGX_RECYCLE_FRAMES && size_class < class_count) {
        FreeList& list = free_frames.lists[size_class];
        if (list.count < kept_max) {
            list.first = ::new (frame) FreeFrame{list.first};
            ++list.count;
            return;
        }
    }
    free(frame);
}

}  // namespace ringx

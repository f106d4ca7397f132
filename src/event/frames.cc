#include "event/frames.h"

#include <cstdlib>

#include "base/check.h"
#include "base/free_list.h"

namespace ringx {
namespace {

// Classes are this many bytes apart: what a frame wastes on average is half of it.
constexpr size_t class_bytes = 32;
constexpr size_t class_count = 64;

// Frames kept of one class. The rest goes back, so that memory returns after a crowd has left.
constexpr size_t kept_max = 256;

struct FreeFrames {
    FreeList lists[class_count];

    ~FreeFrames() {
        for (auto& list : lists) list.release();
    }
};

thread_local FreeFrames free_frames;

}  // namespace

void* allocate_frame(size_t bytes) {
    size_t size_class = (bytes - 1) / class_bytes;
    if (RINGX_KEEP_BLOCKS && size_class < class_count) {
        if (void* kept = free_frames.lists[size_class].take()) return kept;
        bytes = (size_class + 1) * class_bytes;
    }
    void* frame = malloc(bytes);
    CHECK(frame != nullptr);
    return frame;
}

void free_frame(void* frame, size_t bytes) {
    size_t size_class = (bytes - 1) / class_bytes;
    if (size_class < class_count && free_frames.lists[size_class].keep(frame, kept_max)) return;
    free(frame);
}

}  // namespace ringx

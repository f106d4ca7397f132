// event/frames.h - memory for coroutine frames, recycled by size class.
//
// A worker is one thread, and its conversations need frames of few sizes, again and again: a freed frame is kept and
// serves the next coroutine of its class. The free lists belong to the thread, so no argument has to carry them into
// every promise. Large frames go to the ordinary allocator. Under ASan nothing is recycled, so that a use after the end
// of a coroutine is seen.
#pragma once

#include <cstddef>

namespace ringx {

// REQUIRES: the frame is freed on the thread that allocated it, with the same size.
void* allocate_frame(size_t bytes);
void free_frame(void* frame, size_t bytes);

}  // namespace ringx

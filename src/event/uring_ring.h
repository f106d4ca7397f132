// event/uring_ring.h - the ring itself and its ring of receive buffers: made, registered, and given back.
//
// Kernels differ in what they allow; a ring is asked for with everything that helps and, if refused, with less. What is
// left after the last refusal is an Error, and the server runs on epoll. Registered memory is declared before the ring
// that uses it, so that the ring goes first.
#pragma once

#include <liburing.h>

#include <cstdint>

#include "base/result.h"
#include "event/buffer_pool.h"
#include "event/engine.h"

namespace ringx {

class Ring {
 public:
    Ring() = default;
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring();

    // The least kernel is 6.0: an older one fails with EOPNOTSUPP.
    Result<> open(const EngineSettings& settings);
    // After everything else was registered: liburing 2.3 would register through it, which needs a newer kernel.
    void register_descriptor();

    io_uring* get() { return &ring_; }

 private:
    io_uring ring_{};
    bool open_ = false;
};

// The buffers the kernel may fill, in the order it will. Only a few of a large pool lie here at a time: the kernel uses
// them in turns, and each it touches is memory in use.
class BufferRing {
 public:
    static constexpr uint16_t group = 0;

    BufferRing() = default;
    BufferRing(const BufferRing&) = delete;
    BufferRing& operator=(const BufferRing&) = delete;
    ~BufferRing();

    Result<> open(io_uring* ring, BufferPool& pool);

    // Buffers the kernel can still fill.
    uint32_t posted() const { return posted_; }
    // Posts free buffers of the pool, up to the few.
    void top_up();
    // The kernel has used one, for `bytes` bytes or, if not positive, for nothing: gives its number, or -1.
    int32_t used(int32_t buffer, int bytes);

 private:
    BufferPool* pool_ = nullptr;
    io_uring_buf_ring* entries_ = nullptr;
    uint32_t entry_count_ = 0;
    uint32_t posted_ = 0;
};

}  // namespace ringx

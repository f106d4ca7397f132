// event/send_batch.h - small sends that leave together with what else a turn submits.
//
// A system call for each answer is most of what small answers cost, so an engine that can takes several of them: the
// bytes are copied, and all leave in one call at the end of the turn, if nobody wants them to leave earlier. It is no
// wait: the kernel tries each once, within that call, and what it did not take is known when the call returns.
#pragma once

#include <liburing.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "event/batch_sender.h"

namespace ringx {

// The sends of a ring that have not left yet.
class SendBatch {
 public:
    static constexpr size_t bytes_max = 64 * 1024;

    // The user_data of their completions, of which there are such for failures only.
    static bool is_one(uint64_t user_data) { return (user_data & tag_mask) == tag; }

    bool empty() const { return sends_.empty(); }
    bool has_room(size_t bytes) const { return used_ + bytes <= bytes_max; }
    // Takes what one send of all parts would send, `bytes` in all, with this entry. REQUIRES: there is room, and the
    // entry is the ring's newest.
    void add(BatchSender& sender, int fd, std::span<const iovec> parts, size_t bytes, io_uring& ring,
             io_uring_sqe* sqe);

    // To be called when the kernel was given what was submitted; `seen` are the completions that were there before.
    // Tells the senders what did not leave, and begins again.
    void settle(io_uring& ring, unsigned seen);

 private:
    static constexpr uint64_t tag = 2, tag_mask = 7;  // addresses of operations are multiples of 8
    static constexpr int tag_bits = 3;

    struct Send {
        BatchSender* sender;
        uint32_t offset;
        uint32_t bytes;
        unsigned position;  // of its entry in the submission queue, whose counts wrap around
        io_uring_sqe* sqe;
        bool has_failed;    // and its sender knows
    };

    void tell(Send& send, int result);

    std::unique_ptr<char[]> memory_;
    size_t used_ = 0;
    std::vector<Send> sends_;
};

}  // namespace ringx

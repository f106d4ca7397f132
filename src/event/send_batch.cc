#include "event/send_batch.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ringx {

void SendBatch::add(BatchSender& sender, int fd, std::span<const iovec> parts, size_t bytes, io_uring& ring,
                    io_uring_sqe* sqe) {
    if (memory_ == nullptr) memory_ = std::make_unique_for_overwrite<char[]>(bytes_max);
    char* begin = memory_.get() + used_;
    char* end = begin;
    for (const iovec& part : parts) {
        if (part.iov_len == 0) continue;
        std::memcpy(end, part.iov_base, part.iov_len);
        end += part.iov_len;
    }
    // MSG_WAITALL makes a failure of what was taken in part; it does not wait beside MSG_DONTWAIT.
    io_uring_prep_send(sqe, fd, begin, bytes, MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
    io_uring_sqe_set_data64(sqe, uint64_t{sends_.size()} << tag_bits | tag);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sends_.push_back({.sender = &sender,
                      .offset = static_cast<uint32_t>(used_),
                      .bytes = static_cast<uint32_t>(bytes),
                      .position = ring.sq.sqe_tail - 1,
                      .sqe = sqe,
                      .has_failed = false});
    used_ += bytes;
}

void SendBatch::tell(Send& send, int result) {
    if (std::exchange(send.has_failed, true)) return;
    auto sent = static_cast<uint32_t>(std::max(result, 0));
    std::string_view bytes(memory_.get() + send.offset, send.bytes);
    send.sender->not_sent(bytes.substr(sent), result < 0 ? -result : EAGAIN);
}

void SendBatch::settle(io_uring& ring, unsigned seen) {
    if (sends_.empty()) return;
    // Those the kernel would not take yet do nothing when it does.
    const unsigned first_left = IO_URING_READ_ONCE(*ring.sq.khead);
    for (Send& send : sends_) {
        bool was_taken = static_cast<int>(send.position - first_left) < 0;
        if (was_taken) continue;
        io_uring_prep_nop(send.sqe);
        io_uring_sqe_set_data64(send.sqe, tag);
        send.sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        tell(send, -EAGAIN);
    }
    unsigned head;
    io_uring_cqe* cqe;
    io_uring_for_each_cqe(&ring, head, cqe) {
        if (seen > 0) --seen;
        else if (is_one(cqe->user_data)) tell(sends_[cqe->user_data >> tag_bits], cqe->res);
    }
    // A failure may be among what found no room: then nothing is known of those that seem to have left.
    if (io_uring_cq_has_overflow(&ring)) {
        for (Send& send : sends_) tell(send, -EOVERFLOW);
    }
    sends_.clear();
    used_ = 0;
}

}  // namespace ringx

// event/batch_sender.h - who has bytes sent together with those of others, when a turn ends.
//
// See Engine::send_with_batch(): the bytes are copied, so the sender may forget them until it is told otherwise.
#pragma once

#include <string_view>

namespace ringx {

// Whose bytes were taken. It lives until they have left.
class BatchSender {
 public:
    // `rest`, the end of what was taken, has not left: EAGAIN, the socket takes no more now, or another errno. Nothing
    // is sent from within.
    virtual void not_sent(std::string_view rest, int error) = 0;

 protected:
    ~BatchSender() = default;
};

}  // namespace ringx

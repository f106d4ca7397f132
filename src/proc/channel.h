// proc/channel.h - what master and worker say to each other, with descriptors.
//
// A pair of SOCK_SEQPACKET sockets: every message arrives whole or not at all, and the end of one side is seen by the
// other. A message with more descriptors than the kernel passes at once is continued in further packets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace ringx::proc {

struct Message {
    enum class Kind : uint32_t {
        // From the master.
        reload,  // `number`: of the generation. Descriptors: its bundle, its logs, its zones, its listening sockets
        reopen,  // descriptors: the names of the logs, a line each, and the logs, opened anew
        answered,  // `number`: of the question. Descriptor: the answer (proc/steering_answer)
        retire,  // another worker will not follow on these sockets: empty them, then leave
        // From the worker.
        ready,     // it serves
        reloaded,  // `number`: this generation is in use
        refused,   // `number`: this generation could not be built
        closed,    // it is leaving and accepts no more
        ask_check,   // `number`: of this question, which the answer will have
        ask_reload,  // likewise
    };
    Kind kind;
    uint32_t number = 0;
    std::vector<Fd> fds = {};
    bool incomplete = false;  // this process had no room for all descriptors
};

class Channel {
 public:
    Channel() = default;
    explicit Channel(Fd fd) : fd_(std::move(fd)) {}

    // Both ends, non-blocking.
    static Result<> make_pair(Channel& one, Channel& other);

    int fd() const { return fd_.get(); }
    explicit operator bool() const { return static_cast<bool>(fd_); }
    void close() { fd_.reset(); }

    Result<> send(Message::Kind kind, uint32_t number = 0, std::span<const int> fds = {});

    // The next message that is complete. Errors: EAGAIN when there is none yet, ECONNRESET when the other side is gone.
    Result<Message> receive();

 private:
    Fd fd_;
    std::optional<Message> partial_;  // more of its descriptors are to come
    size_t fds_missing_ = 0;
};

}  // namespace ringx::proc

// net/splice_pipe.h - bytes from one socket to another without passing through memory of ours: splice(2), by a pipe.
//
// The kernel passes on references to what was received, so a large body costs half of what copying it twice does, and
// no cache. A worker has a few pipes, because each counts towards what its user may have (pipe-user-pages-soft); who
// finds none free copies. Both sockets are O_NONBLOCK: splice(2) has no flag of its own that says so.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace ringx {

class SplicePipe {
 public:
    // Nothing: there are no descriptors, or the user has too many pipes.
    static std::optional<SplicePipe> open();

    // How many bytes are in it.
    size_t held() const { return held_; }

    // Bytes that are here, and fit, go into it: how many; 0 at the end of the stream. Error: EAGAIN, there are none.
    // REQUIRES: it is empty, and `bytes_max` is not 0.
    Result<size_t> fill_from(int socket, size_t bytes_max);
    // How many the socket took. Error: EAGAIN, it takes none now. REQUIRES: it is not empty.
    Result<size_t> drain_to(int socket);

 private:
    SplicePipe(Fd out, Fd in) : out_(std::move(out)), in_(std::move(in)) {}

    Fd out_, in_;
    size_t held_ = 0;
};

// Those of a worker.
class SplicePipes {
 public:
    SplicePipes() = default;
    SplicePipes(const SplicePipes&) = delete;
    SplicePipes& operator=(const SplicePipes&) = delete;

    // Who has taken a pipe has it alone. One that is not empty when it is given back is closed.
    struct Return {
        SplicePipes* pipes;
        void operator()(SplicePipe* pipe) const { pipes->give_back(pipe); }
    };
    using Taken = std::unique_ptr<SplicePipe, Return>;

    // Null: all are in use, and there can be no more.
    Taken take();

 private:
    void give_back(SplicePipe* pipe);

    std::vector<std::unique_ptr<SplicePipe>> free_;
    size_t in_use_ = 0;
    size_t most_ = 32;  // and when there could not be one more, no more than there were
};

}  // namespace ringx

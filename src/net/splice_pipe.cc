#include "net/splice_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/check.h"

namespace ringx {
namespace {

// Room for as many pieces as there are pages in that; a piece is a page of a file, or up to 32 KB that were copied.
constexpr int pipe_bytes = 256 * 1024;

Result<size_t> move(int from, int to, size_t bytes_max) {
    ssize_t moved = 0;
    do {
        moved = splice(from, nullptr, to, nullptr, bytes_max, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    } while (moved < 0 && errno == EINTR);
    if (moved < 0) return fail("splice");
    return static_cast<size_t>(moved);
}

}  // namespace

std::optional<SplicePipe> SplicePipe::open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return std::nullopt;
    Fd out(ends[0]), in(ends[1]);
    if (fcntl(in.get(), F_SETPIPE_SZ, pipe_bytes) < 0) return std::nullopt;
    return SplicePipe(std::move(out), std::move(in));
}

Result<size_t> SplicePipe::fill_from(int socket, size_t bytes_max) {
    CHECK(held_ == 0 && bytes_max > 0);
    Result<size_t> moved = move(socket, in_.get(), bytes_max);
    if (moved) held_ = *moved;
    return moved;
}

Result<size_t> SplicePipe::drain_to(int socket) {
    CHECK(held_ > 0);
    Result<size_t> moved = move(out_.get(), socket, held_);
    if (moved) held_ -= *moved;
    return moved;
}

SplicePipes::Taken SplicePipes::take() {
    Taken none(nullptr, {this});
    if (in_use_ == most_) return none;
    if (free_.empty()) {
        std::optional<SplicePipe> made = SplicePipe::open();
        if (!made) most_ = in_use_;
        if (!made) return none;
        free_.push_back(std::make_unique<SplicePipe>(std::move(*made)));
    }
    ++in_use_;
    Taken taken(free_.back().release(), {this});
    free_.pop_back();
    return taken;
}

void SplicePipes::give_back(SplicePipe* pipe) {
    std::unique_ptr<SplicePipe> one(pipe);
    --in_use_;
    if (one->held() == 0) free_.push_back(std::move(one));
}

}  // namespace ringx

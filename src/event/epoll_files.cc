#include "event/epoll_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20  // Linux 5.12
#endif

namespace ringx {
namespace {

using Kind = Operation::Kind;

int open_file(const Operation& operation, uint64_t more_resolve) {
    open_how how = *operation.how;
    how.resolve |= more_resolve;
    long fd = syscall(SYS_openat2, operation.fd, operation.path, &how, sizeof how);
    return fd < 0 ? -errno : static_cast<int>(fd);
}

// Reads or writes what is left after `done` bytes, until all is done, the file ends or a call fails. Gives the bytes
// done in all, or a negative errno when there are none; `refused`, when given, tells that a call would have slept or
// cannot tell whether it would.
int transfer(const Operation& operation, uint32_t done, int flags, bool* refused = nullptr) {
    bool own_position = operation.kind == Kind::write && operation.offset == ~uint64_t{0};
    while (done < operation.bytes) {
        iovec rest = {static_cast<char*>(operation.data) + done, operation.bytes - done};
        off_t at = own_position ? -1 : static_cast<off_t>(operation.offset + done);
        ssize_t n = operation.kind == Kind::read ? preadv2(operation.fd, &rest, 1, at, flags)
                                                 : pwritev2(operation.fd, &rest, 1, at, flags);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && refused != nullptr && (errno == EAGAIN || errno == EOPNOTSUPP || errno == EINVAL)) {
            *refused = true;
            return static_cast<int>(done);
        }
        if (n < 0 && done == 0) return -errno;
        if (n <= 0) break;
        done += static_cast<uint32_t>(n);
    }
    return static_cast<int>(done);
}

// A direct read waits for the device whatever RWF_NOWAIT says.
bool is_direct(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_DIRECT) != 0;
}

}  // namespace

class EpollFiles::Job : public BlockingJob {
 public:
    explicit Job(EpollFiles& files) : files_(files) {}

    void begin(Operation& operation, uint32_t done) {
        operation_ = &operation;
        result_ = static_cast<int>(done);
        files_.threads_.run(*this);
    }

 private:
    void work() override {
        result_ = operation_->kind == Kind::open ? open_file(*operation_, 0)
                                                 : transfer(*operation_, static_cast<uint32_t>(result_), 0);
    }

    void done() override {
        files_.idle_.push_back(*this);
        files_.owner_.file_done(*operation_, result_);
    }

    EpollFiles& files_;
    Operation* operation_ = nullptr;
    int result_ = 0;  // bytes done so far, then the outcome
};

EpollFiles::EpollFiles(BlockingPool& threads, Owner& owner) : threads_(threads), owner_(owner) {}
EpollFiles::~EpollFiles() = default;

void EpollFiles::run(Operation& operation) {
    if (operation.kind == Kind::open) {
        // EINVAL may mean a kernel that does not know RESOLVE_CACHED: the call without it decides.
        int fd = open_file(operation, RESOLVE_CACHED);
        if (fd == -EAGAIN || fd == -EINVAL) return hand_over(operation, 0);
        return owner_.file_done(operation, fd);
    }
    if (operation.kind == Kind::write || is_direct(operation.fd)) return hand_over(operation, 0);
    bool refused = false;
    int result = transfer(operation, 0, RWF_NOWAIT, &refused);
    if (refused) return hand_over(operation, static_cast<uint32_t>(result));
    owner_.file_done(operation, result);
}

void EpollFiles::hand_over(Operation& operation, uint32_t done) {
    if (idle_.empty()) {
        jobs_.push_back(std::make_unique<Job>(*this));
        idle_.push_back(*jobs_.back());
    }
    idle_.pop_front().begin(operation, done);
}

}  // namespace ringx

#include "event/epoll_files.h"

#include <linux/openat2.h>
#include <sys/syscall.h>
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

// Reads or writes until all is done, the file ends or a call fails. Gives the bytes done, or a negative errno when
// there are none.
int transfer(const Operation& operation) {
    bool own_position = operation.kind == Kind::write && operation.offset == ~uint64_t{0};
    uint32_t done = 0;
    while (done < operation.bytes) {
        char* at = static_cast<char*>(operation.data) + done;
        size_t left = operation.bytes - done;
        auto offset = static_cast<off_t>(operation.offset + done);
        ssize_t n = operation.kind == Kind::read ? pread(operation.fd, at, left, offset)
                    : own_position               ? write(operation.fd, at, left)
                                                 : pwrite(operation.fd, at, left, offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && done == 0) return -errno;
        if (n <= 0) break;
        done += static_cast<uint32_t>(n);
    }
    return static_cast<int>(done);
}

}  // namespace

class EpollFiles::Job : public BlockingJob {
 public:
    explicit Job(EpollFiles& files) : files_(files) {}

    void begin(Operation& operation) {
        operation_ = &operation;
        files_.threads_.run(*this);
    }

 private:
    void work() override {
        result_ = operation_->kind == Kind::open ? open_file(*operation_, 0) : transfer(*operation_);
    }

    void done() override {
        files_.idle_.push_back(*this);
        files_.owner_.file_done(*operation_, result_);
    }

    EpollFiles& files_;
    Operation* operation_ = nullptr;
    int result_ = 0;
};

EpollFiles::EpollFiles(BlockingPool& threads, Owner& owner) : threads_(threads), owner_(owner) {}
EpollFiles::~EpollFiles() = default;

void EpollFiles::run(Operation& operation) {
    if (operation.kind == Kind::open) {
        // EINVAL may mean a kernel that does not know RESOLVE_CACHED: the call without it decides.
        int fd = open_file(operation, RESOLVE_CACHED);
        if (fd != -EAGAIN && fd != -EINVAL) return owner_.file_done(operation, fd);
    }
    if (idle_.empty()) {
        jobs_.push_back(std::make_unique<Job>(*this));
        idle_.push_back(*jobs_.back());
    }
    idle_.pop_front().begin(operation);
}

}  // namespace ringx

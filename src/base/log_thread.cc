#include "base/log_thread.h"

#define ZLIB_CONST
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zlib.h>

#include "base/check.h"

namespace ringx {
namespace {

// How long the end of the process is put off by pipes that nobody reads: once, and not for each text.
constexpr int last_wait_ms = 1000;
constexpr int first_own_fd = 3;

// A member of a gzip file (RFC 1952): members may follow one another, so each text makes a whole one.
std::string gzip_member(std::string_view text, int level) {
    z_stream stream{};
    constexpr int gzip_window_bits = 15 + 16;
    constexpr int memory_level = 9;
    CHECK(deflateInit2(&stream, level, Z_DEFLATED, gzip_window_bits, memory_level, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string member(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<const Bytef*>(text.data());
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(member.data());
    stream.avail_out = static_cast<uInt>(member.size());
    CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    member.resize(stream.total_out);
    deflateEnd(&stream);
    return member;
}

bool is_regular(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

Result<> append(int fd, std::string_view& text, int flags) {
    while (!text.empty()) {
        iovec bytes{const_cast<char*>(text.data()), text.size()};
        ssize_t written = pwritev2(fd, &bytes, 1, -1, flags);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail("write");
        text.remove_prefix(static_cast<size_t>(written));
    }
    return {};
}

// The thread waits or writes, and so is still.
class Rest {
 public:
    explicit Rest(std::mutex& at_work) : at_work_(at_work) { at_work_.unlock(); }
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;
    ~Rest() { at_work_.lock(); }

 private:
    std::mutex& at_work_;
};

}  // namespace

Result<> append_without_waiting(int fd, std::string_view& text) { return append(fd, text, RWF_NOWAIT); }

LogThread::~LogThread() {
    {
        std::lock_guard lock(mutex_);
        ending_ = true;
    }
    work_there_.notify_one();
    if (thread_.joinable()) thread_.join();
}

Result<> LogThread::write(int fd, std::string text, int gzip_level, std::shared_ptr<LogBacklog> backlog) {
    Fd file(fcntl(fd, F_DUPFD_CLOEXEC, first_own_fd));
    if (!file) return fail("fcntl");
    ++backlog->waiting;
    size_t bytes = text.size();
    auto job = [this, file = std::move(file), text = std::move(text), gzip_level, backlog] {
        auto written = gzip_level > 0 ? write_patiently(file.get(), gzip_member(text, gzip_level))
                                      : write_patiently(file.get(), text);
        if (!written) backlog->error = written.error().number;
        --backlog->waiting;
    };
    Result<> taken = run(bytes, std::move(job));
    if (!taken) --backlog->waiting;
    return taken;
}

Result<> LogThread::run(size_t bytes, std::move_only_function<void()> work) {
    {
        std::lock_guard lock(mutex_);
        if (waiting_bytes_ + bytes > waiting_bytes_max) return fail("write", EAGAIN);
        waiting_bytes_ += bytes;
        jobs_.push_back({bytes, std::move(work)});
    }
    work_there_.notify_one();
    if (thread_.joinable()) return {};

    // Signals are for the worker's thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { serve(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return {};
}

std::unique_lock<std::mutex> LogThread::keep_still() {
    if (thread_.joinable()) serving_.wait(false);
    return std::unique_lock(at_work_);
}

void LogThread::serve() {
    serving_ = true;
    serving_.notify_all();
    std::unique_lock lock(mutex_);
    for (;;) {
        work_there_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        lock.unlock();
        size_t bytes = do_first();
        lock.lock();
        waiting_bytes_ -= bytes;
    }
}

size_t LogThread::do_first() {
    std::lock_guard at_work(at_work_);
    std::unique_lock lock(mutex_);
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.work();
    return job.bytes;
}

Result<> LogThread::write_patiently(int fd, std::string_view text) {
    for (;;) {
        auto written = append_without_waiting(fd, text);
        if (written) return {};
        bool cannot_tell = written.error().number == EOPNOTSUPP;
        if (cannot_tell && is_regular(fd)) {
            Rest rest(at_work_);
            return append(fd, text, 0);
        }
        if (!cannot_tell && written.error().number != EAGAIN) return written;

        bool was_ending = ending_;
        Rest rest(at_work_);
        pollfd room{fd, POLLOUT, 0};
        int ready = poll(&room, 1, has_waited_ ? 0 : last_wait_ms);
        if (ready == 0 && was_ending) {
            has_waited_ = true;
            return fail("write", EAGAIN);
        }
        if (ready <= 0 || !cannot_tell) continue;
        // A named pipe that has room has it for this much, unless another process was faster.
        std::string_view piece = text.substr(0, PIPE_BUF);
        size_t bytes = piece.size();
        written = append(fd, piece, 0);
        text.remove_prefix(bytes - piece.size());
        bool was_late = !written && written.error().number == EAGAIN;
        if (!was_late && (!written || text.empty())) return written;
    }
}

}  // namespace ringx

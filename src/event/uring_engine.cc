#include "event/uring_engine.h"

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/fd.h"
#include "event/loop.h"
#include "event/send_batch.h"
#include "event/uring_ring.h"

namespace ringx {
namespace {

// user_data is the address of the operation, or one of these.
constexpr uint64_t for_nobody = 0;  // cancels: the operation's own last answer tells
constexpr uint64_t for_wake = 1;

// Answers delivered in one turn: timers and everything else of the loop wait no longer than these take.
constexpr unsigned batch_limit = 256;
// The clock is read once for so many answers.
constexpr unsigned clock_stride = 16;

// What the engine keeps in `done` of a receive.
constexpr uint64_t single_shot = 1;  // multishot is not asked for
constexpr uint64_t poll_first = 2;   // it has found nothing before: wait for data before a buffer is looked for

bool receives_into_pool(Operation::Kind kind) {
    return kind == Operation::Kind::receive || kind == Operation::Kind::receive_many;
}

uint64_t now_us() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

// On Unix sockets multishot takes "no more bytes" for "nothing more to come" and may miss the end of the stream, up to
// 6.18 at least. TCP tells the two apart.
bool is_unix_socket(int fd) {
    int domain = 0;
    socklen_t size = sizeof domain;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

class UringEngine final : public Engine {
 public:
    UringEngine(const EngineSettings& settings, Loop& loop)
        : loop_(loop),
          submit_interval_us_(settings.submit_interval_us),
          pool_(std::clamp(settings.receive_buffers, 1u, 32768u),
                std::clamp(settings.receive_buffer_bytes, 64u, 1u << 20)) {}
    ~UringEngine() override { CHECK(flying_ == 0); }

    Result<> open(const EngineSettings& settings);

    std::string_view name() const override { return "io_uring"; }
    void close(int fd) override {
        send_batch();  // it may be one of those
        ::close(fd);
    }
    void wait(std::optional<uint64_t> sleep_ms) override;
    void wake() override;
    BufferPool& buffers() override { return pool_; }
    bool send_with_batch(BatchSender& sender, int fd, std::span<const iovec> parts, size_t bytes) override;
    void send_batch() override {
        if (!sends_.empty()) submit();
    }

 private:
    void begin(Operation& operation) override;
    void abandon(Operation& operation) override;

    io_uring_sqe* next_sqe();
    void arm(Operation& operation);
    bool arm_wake();
    void prepare(Operation& operation, io_uring_sqe* sqe);
    bool queue_cancel(Operation& operation);

    void queue_what_waits();
    bool kernel_has_more();
    void enter(std::optional<uint64_t> sleep_ms);
    void submit();
    void settle_sends(unsigned seen);
    void deliver();
    void deliver_aborted();
    void dispatch(Operation& operation, int result, uint32_t flags);

    Loop& loop_;
    uint64_t submit_interval_us_;
    bool sqpoll_ = false;
    bool wake_armed_ = false;
    Fd wake_;
    BufferPool pool_;
    BufferRing buffers_;
    Ring ring_;  // after all memory it uses
    uint64_t flying_ = 0;
    unsigned at_hand_ = 0;  // answers of this turn
    SendBatch sends_;

    // An operation in flight that the kernel does not hold is in one of the first three lists.
    List<Operation> unsubmitted_;  // the submission queue was full
    List<Operation> parked_;       // there was no buffer
    List<Operation> aborted_;      // cancelled out of the other two: to be answered
    List<Operation> uncancelled_;  // the kernel holds it, and the cancel found the submission queue full
};

Result<> UringEngine::open(const EngineSettings& settings) {
    sqpoll_ = settings.sqpoll;
    wake_.reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!wake_) return fail("eventfd");
    auto made = ring_.open(settings);
    if (made) made = buffers_.open(ring_.get(), pool_);
    if (made) ring_.register_descriptor();
    return made;
}

void UringEngine::wake() {
    // Fails only when so many wake-ups are pending that one more makes no difference.
    uint64_t one = 1;
    [[maybe_unused]] auto written = ::write(wake_.get(), &one, sizeof one);
}

// --- submissions

io_uring_sqe* UringEngine::next_sqe() {
    io_uring_sqe* sqe = io_uring_get_sqe(ring_.get());
    if (sqe != nullptr) return sqe;
    counters_->submit_full.add(1);
    submit();
    if (sqpoll_) io_uring_sqring_wait(ring_.get());
    return io_uring_get_sqe(ring_.get());
}

// A thread of the kernel's would send at its own time, and a lone answer gains nothing. What fails must find a place
// among the completions, or nobody would know at once.
bool UringEngine::send_with_batch(BatchSender& sender, int fd, std::span<const iovec> parts, size_t bytes) {
    constexpr unsigned worth_it = 2;
    if (sqpoll_ || at_hand_ < worth_it || !sends_.has_room(bytes)) return false;
    const unsigned expected = io_uring_cq_ready(ring_.get()) + io_uring_sq_ready(ring_.get());
    if (expected >= ring_.get()->cq.ring_entries / 2 || io_uring_cq_has_overflow(ring_.get())) return false;
    io_uring_sqe* sqe = next_sqe();
    if (sqe == nullptr) return false;
    sends_.add(sender, fd, parts, bytes, *ring_.get(), sqe);
    return true;
}

void UringEngine::settle_sends(unsigned seen) {
    sends_.settle(*ring_.get(), seen);
    ++batch_number_;
}

void UringEngine::begin(Operation& operation) {
    ++flying_;
    if (receives_into_pool(operation.kind)) {
        bool single = operation.kind == Operation::Kind::receive || is_unix_socket(operation.fd);
        operation.done = single ? single_shot : 0;
    }
    arm(operation);
}

void UringEngine::arm(Operation& operation) {
    if (io_uring_sqe* sqe = next_sqe()) {
        prepare(operation, sqe);
    } else {
        unsubmitted_.push_back(operation);
    }
}

void UringEngine::prepare(Operation& operation, io_uring_sqe* sqe) {
    int fd = operation.fd;
    switch (operation.kind) {
        case Operation::Kind::accept:
            io_uring_prep_accept(sqe, fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            break;
        case Operation::Kind::accept_many:
            io_uring_prep_multishot_accept(sqe, fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            break;
        case Operation::Kind::receive:
        case Operation::Kind::receive_many:
            io_uring_prep_recv(sqe, fd, nullptr, 0, 0);
            if ((operation.done & single_shot) == 0) sqe->ioprio |= IORING_RECV_MULTISHOT;
            if ((operation.done & poll_first) != 0) sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
            sqe->flags |= IOSQE_BUFFER_SELECT;
            sqe->buf_group = BufferRing::group;
            break;
        case Operation::Kind::receive_into:
            io_uring_prep_recv(sqe, fd, operation.data, operation.bytes, 0);
            break;
        case Operation::Kind::send:
            io_uring_prep_sendmsg(sqe, fd, operation.message, MSG_WAITALL | MSG_NOSIGNAL);
            break;
        case Operation::Kind::poll:
            io_uring_prep_poll_add(sqe, fd, static_cast<uint16_t>(operation.events));
            break;
        case Operation::Kind::connect:
            io_uring_prep_connect(sqe, fd, operation.address, operation.bytes);
            break;
        case Operation::Kind::open:
            io_uring_prep_openat2(sqe, fd, operation.path, const_cast<open_how*>(operation.how));
            break;
        case Operation::Kind::read:
            io_uring_prep_read(sqe, fd, operation.data, operation.bytes, operation.offset);
            break;
        case Operation::Kind::write:
            io_uring_prep_write(sqe, fd, operation.data, operation.bytes, operation.offset);
            break;
    }
    io_uring_sqe_set_data(sqe, &operation);
}

bool UringEngine::arm_wake() {
    io_uring_sqe* sqe = next_sqe();
    if (sqe == nullptr) return false;
    io_uring_prep_poll_multishot(sqe, wake_.get(), POLLIN);
    io_uring_sqe_set_data64(sqe, for_wake);
    return true;
}

void UringEngine::abandon(Operation& operation) {
    if (operation.linked()) {
        operation.unlink();
        aborted_.push_back(operation);
    } else if (!queue_cancel(operation)) {
        uncancelled_.push_back(operation);
    }
}

bool UringEngine::queue_cancel(Operation& operation) {
    io_uring_sqe* sqe = next_sqe();
    if (sqe == nullptr) return false;
    io_uring_prep_cancel(sqe, &operation, 0);
    io_uring_sqe_set_data64(sqe, for_nobody);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    return true;
}

// --- waiting

void UringEngine::wait(std::optional<uint64_t> sleep_ms) {
    count_turn(loop_.clock().now_us());
    queue_what_waits();
    bool waiting = !aborted_.empty() || !unsubmitted_.empty() || !uncancelled_.empty() || !wake_armed_;
    enter(waiting ? 0 : sleep_ms);
    loop_.refresh_clock();
    deliver_aborted();
    deliver();
    at_hand_ = 0;
}

void UringEngine::queue_what_waits() {
    if (!wake_armed_) wake_armed_ = arm_wake();
    while (!uncancelled_.empty() && queue_cancel(uncancelled_.front())) uncancelled_.pop_front();
    while (!unsubmitted_.empty()) {
        io_uring_sqe* sqe = next_sqe();
        if (sqe == nullptr) break;
        prepare(unsubmitted_.pop_front(), sqe);
    }
    buffers_.top_up();
    for (uint32_t free = buffers_.posted(); free > 0 && !parked_.empty(); --free) {
        Operation& operation = parked_.pop_front();
        operation.done |= poll_first;  // with an empty ring it would end again at once, data or not
        arm(operation);
    }
}

void UringEngine::submit() {
    unsigned seen = io_uring_cq_ready(ring_.get());
    int result = io_uring_submit(ring_.get());
    settle_sends(seen);
    CHECK(result >= 0 || result == -EBUSY || result == -EAGAIN || result == -EINTR);
}

// Deferred work and an overflowed queue need an enter; without any of them there is nothing to ask for.
bool UringEngine::kernel_has_more() {
    return (IO_URING_READ_ONCE(*ring_.get()->sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

void UringEngine::enter(std::optional<uint64_t> sleep_ms) {
    if (io_uring_cq_has_overflow(ring_.get())) counters_->overflows.add(1);
    const unsigned seen = io_uring_cq_ready(ring_.get());
    int result = 0;
    if (sleep_ms == 0 || io_uring_cq_ready(ring_.get()) > 0) {
        bool has_any = kernel_has_more() || io_uring_sq_ready(ring_.get()) > 0;
        if (has_any) result = io_uring_submit_and_get_events(ring_.get());
    } else {
        __kernel_timespec limit{};
        if (sleep_ms) {
            limit.tv_sec = static_cast<int64_t>(*sleep_ms / 1000);
            limit.tv_nsec = static_cast<int64_t>(*sleep_ms % 1000 * 1'000'000);
        }
        io_uring_cqe* first;
        result = io_uring_submit_and_wait_timeout(ring_.get(), &first, 1, sleep_ms ? &limit : nullptr, nullptr);
        // Whoever was woken late, or stopped and continued, asks for what came meanwhile: it counts before the time.
        // The result need not tell: it may be the number of what was submitted.
        bool in_vain = result >= 0 || result == -ETIME || result == -EINTR;
        in_vain = in_vain && io_uring_cq_ready(ring_.get()) == 0;
        if (in_vain && kernel_has_more()) result = io_uring_submit_and_get_events(ring_.get());
    }
    settle_sends(seen);
    // Time out, signals, and backpressure that ends when completions have been taken. Anything else is our mistake, or
    // a lost completion.
    CHECK(result >= 0 || result == -ETIME || result == -EINTR || result == -EBUSY || result == -EAGAIN);
}

// --- completions

void UringEngine::deliver_aborted() {
    List<Operation> aborted;
    aborted.take_all(aborted_);
    while (!aborted.empty()) {
        --flying_;
        answer(aborted.pop_front(), {.result = -ECANCELED});
    }
}

void UringEngine::deliver() {
    unsigned ready = std::min(io_uring_cq_ready(ring_.get()), batch_limit);
    at_hand_ = ready;
    uint64_t submitted_us = loop_.clock().now_us();
    unsigned head;
    io_uring_cqe* cqe;
    unsigned taken = 0;
    io_uring_for_each_cqe(ring_.get(), head, cqe) {
        if (taken == ready) break;
        // Copied first: the slot is free for the kernel before the answer submits something that completes at once.
        uint64_t whom = cqe->user_data;
        int result = cqe->res;
        uint32_t flags = cqe->flags;
        io_uring_cq_advance(ring_.get(), 1);
        if (SendBatch::is_one(whom)) {
            // Its sender knows.
        } else if (whom > for_wake) {
            dispatch(*reinterpret_cast<Operation*>(whom), result, flags);
        } else if (whom == for_wake) {
            uint64_t count;
            [[maybe_unused]] auto got = ::read(wake_.get(), &count, sizeof count);
            wake_armed_ = (flags & IORING_CQE_F_MORE) != 0;
        }
        if (++taken % clock_stride != 0 || submit_interval_us_ == 0 || io_uring_sq_ready(ring_.get()) == 0) continue;
        uint64_t now = now_us();
        if (now - submitted_us < submit_interval_us_) continue;
        submit();
        submitted_us = now;
    }
}

void UringEngine::dispatch(Operation& operation, int result, uint32_t flags) {
    bool more = (flags & IORING_CQE_F_MORE) != 0;
    int32_t buffer = -1;
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
        buffer = buffers_.used(static_cast<int32_t>(flags >> IORING_CQE_BUFFER_SHIFT), result);
    }
    if (!more) {
        operation.unlink();  // a cancel that still waits has nothing left to cancel
        bool cancelled = is_cancelled(operation);
        if (result == -ENOBUFS && receives_into_pool(operation.kind)) {
            if (!cancelled) {
                counters_->buffer_parks.add(1);
                parked_.push_back(operation);
                return;
            }
            result = -ECANCELED;
        }
        // Multishot that ended with a success: the completion queue overflowed, or it was none.
        bool again = (operation.kind == Operation::Kind::receive_many && result > 0) ||
                     (operation.kind == Operation::Kind::accept_many && result >= 0);
        if (again && !cancelled) {
            if (operation.kind == Operation::Kind::receive_many) operation.done |= poll_first;
            arm(operation);
            more = true;
        } else {
            --flying_;
        }
    }
    answer(operation, {.result = result, .more = more, .buffer = buffer});
}

}  // namespace

Result<std::unique_ptr<Engine>> make_uring_engine(const EngineSettings& settings, Loop& loop) {
    auto engine = std::make_unique<UringEngine>(settings, loop);
    if (auto opened = engine->open(settings); !opened) return std::unexpected(opened.error());
    return engine;
}

}  // namespace ringx

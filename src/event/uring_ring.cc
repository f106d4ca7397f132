#include "event/uring_ring.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/format.h"
#include "base/log.h"
#include "event/uring_abi.h"

namespace ringx {
namespace {

constexpr unsigned entries_max = 32768;  // the kernel's own limit
constexpr unsigned entries_enough = 64;  // fewer are not worth a ring, unless asked for

// Buffers posted at a time: four wake-ups' worth, as the kernel fills at most 32 in one.
constexpr uint32_t posted_max = 128;

// The kernel runs completions when we enter it, not by interrupting us. Best first; what is refused came later than
// 6.0.
constexpr unsigned modes[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    0,
};
// With a thread of the kernel that submits, there is no entering to wait for.
constexpr unsigned sqpoll_modes[] = {IORING_SETUP_SQPOLL};

// 0 or an errno.
int make(io_uring& ring, const EngineSettings& settings, unsigned sq_entries, unsigned cq_entries) {
    std::span<const unsigned> choice = modes;
    if (settings.sqpoll) choice = sqpoll_modes;
    for (unsigned mode : choice) {
        io_uring_params params{};
        params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL | mode;
        params.cq_entries = cq_entries;
        if (settings.sqpoll) {
            params.sq_thread_idle = settings.sqpoll_idle_ms;
            if (settings.sqpoll_cpu >= 0) {
                params.flags |= IORING_SETUP_SQ_AFF;
                params.sq_thread_cpu = static_cast<uint32_t>(settings.sqpoll_cpu);
            }
        }
        int error = -io_uring_queue_init_params(sq_entries, &ring, &params);
        if (error != EINVAL) return error;
    }
    return EINVAL;
}

// Multishot receive, ring-mapped buffers and sends that finish what they began are all there when this opcode is.
bool is_new_enough(io_uring& ring) {
    io_uring_probe* probe = io_uring_get_probe_ring(&ring);
    bool found = probe != nullptr && io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);
    io_uring_free_probe(probe);
    return found;
}

Result<> tune(io_uring& ring, const EngineSettings& settings) {
    // Threads of the kernel for files: reads and opens of ours, nothing else goes there.
    unsigned workers[2] = {4, 16};
    int error = -io_uring_register_iowq_max_workers(&ring, workers);
    if (error > 0) return fail("io_uring_register_iowq_max_workers", error);

    if (settings.napi_busy_us > 0) {
        uring_abi::Napi napi{};
        napi.busy_poll_us = settings.napi_busy_us;
        napi.prefer_busy_poll = settings.napi_prefer;
        error = -io_uring_register(static_cast<unsigned>(ring.ring_fd), uring_abi::register_napi, &napi, 1);
        if (error > 0) return fail("io_uring_register_napi", error);
    }
    return {};
}

}  // namespace

Ring::~Ring() {
    if (open_) io_uring_queue_exit(&ring_);
}

Result<> Ring::open(const EngineSettings& settings) {
    CHECK(!open_);
    unsigned sq_entries = std::clamp(settings.sq_entries, 1u, entries_max);
    unsigned cq_entries = std::max(settings.cq_entries, sq_entries);
    int error = make(ring_, settings, sq_entries, cq_entries);
    // Locked memory is limited: a smaller ring serves too.
    while (error == ENOMEM && sq_entries > entries_enough) {
        sq_entries /= 2;
        cq_entries = std::max(cq_entries / 2, sq_entries);
        error = make(ring_, settings, sq_entries, cq_entries);
    }
    if (error != 0) return fail("io_uring_setup", error);
    open_ = true;
    if (!is_new_enough(ring_)) return fail("io_uring_setup", EOPNOTSUPP);
    error = -io_uring_ring_dontfork(&ring_);
    if (error > 0) return fail("madvise", error);
    return tune(ring_, settings);
}

void Ring::register_descriptor() {
    // Saves the kernel a look-up for each enter; where it is refused, the descriptor itself serves.
    io_uring_register_ring_fd(&ring_);
}

BufferRing::~BufferRing() {
    if (entries_ != nullptr) munmap(entries_, entry_count_ * sizeof(io_uring_buf));
}

Result<> BufferRing::open(io_uring* ring, BufferPool& pool) {
    CHECK(entries_ == nullptr);
    pool_ = &pool;
    entry_count_ = std::bit_ceil(std::min(pool.count(), posted_max));
    size_t bytes = entry_count_ * sizeof(io_uring_buf);
    void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (mapped == MAP_FAILED) return fail("mmap");
    entries_ = static_cast<io_uring_buf_ring*>(mapped);
    if (madvise(mapped, bytes, MADV_DONTFORK) < 0) return fail("madvise");
    io_uring_buf_ring_init(entries_);

    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<uintptr_t>(entries_);
    registration.ring_entries = entry_count_;
    registration.bgid = group;
    int error = -io_uring_register_buf_ring(ring, &registration, 0);
    if (error == EINVAL) {
        // Kernels 6.8 of Ubuntu test a reserved word the wrong way round.
        registration.resv[0] = 1;
        error = -io_uring_register_buf_ring(ring, &registration, 0);
    }
    if (error > 0) return fail("io_uring_register_buf_ring", error);
    top_up();
    return {};
}

void BufferRing::top_up() {
    int mask = io_uring_buf_ring_mask(entry_count_);
    int added = 0;
    for (; posted_ < entry_count_; ++posted_) {
        int32_t buffer = pool_->take();
        if (buffer < 0) break;
        auto number = static_cast<uint16_t>(buffer);
        io_uring_buf_ring_add(entries_, pool_->memory(buffer), pool_->bytes(), number, mask, added++);
    }
    if (added > 0) io_uring_buf_ring_advance(entries_, added);
}

int32_t BufferRing::used(int32_t buffer, int bytes) {
    CHECK(posted_ > 0);
    --posted_;
    if (bytes <= 0) {
        pool_->give_back(buffer);
        return -1;
    }
    pool_->lend(buffer, static_cast<size_t>(bytes));
    return buffer;
}

std::optional<std::string> io_uring_unavailable() {
    EngineSettings settings;
    settings.sq_entries = settings.cq_entries = 8;
    BufferPool pool(1, 64);
    BufferRing buffers;
    Ring ring;
    auto made = ring.open(settings);
    if (made) made = buffers.open(ring.get(), pool);
    if (made) return {};
    if (made.error().number == EOPNOTSUPP) return "io_uring of this kernel is older than Linux 6.0";

    std::string reason = text::format("{}() failed ({})", made.error().call, describe(made.error()));
    if (made.error().number != EPERM && made.error().number != EACCES) return reason;
    Fd setting(::open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC));
    char value = '0';
    if (!setting || ::read(setting.get(), &value, 1) != 1 || value == '0') return reason + ", by a security policy";
    return text::format("{}, kernel.io_uring_disabled is {}", reason, value);
}

}  // namespace ringx

// contrib/bench/ring_choices.cc - what the ways to use io_uring cost, each by itself, without a web server around them.
//
// A process answers requests of another one over loopback. It waits until all requests of a batch are there, so that
// the size of a batch is exact. Shown is the CPU time of the one that answers for one request, with that of threads the
// kernel has for it: the median of all runs, which take turns. `make choices` builds it; `--quick` shows that all of it
// works, and nothing else. It needs two CPUs and io_uring; what a kernel does not have is left out.
#include <arpa/inet.h>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/fd.h"

namespace ringx {
namespace {

constexpr unsigned request_bytes = 128;
constexpr unsigned answer_bytes_max = 64 * 1024;
char answer[answer_bytes_max];

enum class Sending { at_once, ring, quiet, zero_copy };  // quiet: the ring tells of failures only
enum class Buffers { plain, many, huge, incremental };

struct Choice {
    const char* name;
    Sending sending = Sending::at_once;
    Buffers buffers = Buffers::plain;
    bool one_shot = false;
    bool registered = true;
    bool sqpoll = false;
};

// --- the machine

void pin_to(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
}

// Of this process, with threads the kernel has in it.
double cpu_us() {
    timespec time{};
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// The other process, on the other CPU; it ends with this one.
class Client {
 public:
    explicit Client(const std::function<void()>& work) : process_(fork()) {
        CHECK(process_ >= 0);
        if (process_ > 0) return;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin_to(1);
        work();
        _exit(0);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() {
        int status = 0;
        CHECK(waitpid(process_, &status, 0) == process_);
    }

 private:
    pid_t process_;
};

Fd listen_on(sockaddr_in& address) {
    Fd listener(socket(AF_INET, SOCK_STREAM, 0));
    address = {.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    CHECK(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener.get(), 1024) == 0);
    CHECK(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return listener;
}

Fd connect_to(const sockaddr_in& address) {
    Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
    CHECK(connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return socket;
}

// --- buffers

// A ring of buffers the kernel takes from for receives. Used ones go back behind all others.
class BufferRing {
 public:
    static constexpr unsigned short group = 1;

    BufferRing(io_uring& ring, Buffers kind) : is_incremental_(kind == Buffers::incremental) {
        count_ = is_incremental_ ? 16 : kind == Buffers::plain ? 128 : 2048;
        bytes_ = is_incremental_ ? 256 * 1024 : 4096;
        constexpr size_t huge_page = size_t{2} << 20;
        mapped_ = size_t{count_} * bytes_ + huge_page;
        memory_ = static_cast<char*>(map(mapped_));
        auto address = reinterpret_cast<uintptr_t>(memory_);
        buffers_ = memory_ + (huge_page - address % huge_page) % huge_page;
        madvise(memory_, mapped_, kind == Buffers::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
        std::fill_n(buffers_, size_t{count_} * bytes_, '\0');
        entries_ = static_cast<io_uring_buf_ring*>(map(count_ * sizeof(io_uring_buf)));
        io_uring_buf_ring_init(entries_);
        // As io_uring_buf_reg; the flag (Linux 6.12) has no name in older headers.
        constexpr unsigned short incremental = 2;
        struct Registration {
            uint64_t address;
            uint32_t count;
            uint16_t group, flags;
            uint64_t reserved[3];
        } registration{reinterpret_cast<uintptr_t>(entries_), count_, group,
                       is_incremental_ ? incremental : uint16_t{0}, {}};
        static_assert(sizeof(Registration) == sizeof(io_uring_buf_reg));
        is_open_ = io_uring_register(static_cast<unsigned>(ring.ring_fd), IORING_REGISTER_PBUF_RING, &registration,
                                     1) == 0;
        for (unsigned i = 0; i < count_; ++i) add(i);
    }
    BufferRing(const BufferRing&) = delete;
    BufferRing& operator=(const BufferRing&) = delete;
    ~BufferRing() {
        munmap(memory_, mapped_);
        munmap(entries_, count_ * sizeof(io_uring_buf));
    }

    bool is_open() const { return is_open_; }
    void give_back(unsigned cqe_flags) {
        constexpr unsigned kept = 1u << 4;  // IORING_CQE_F_BUF_MORE: there is room for more in it
        if (is_incremental_ && (cqe_flags & kept) != 0) return;
        add(cqe_flags >> IORING_CQE_BUFFER_SHIFT);
    }

 private:
    static void* map(size_t bytes) {
        void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(mapped != MAP_FAILED);
        return mapped;
    }
    void add(unsigned number) {
        io_uring_buf_ring_add(entries_, buffers_ + size_t{number} * bytes_, bytes_, static_cast<uint16_t>(number),
                              io_uring_buf_ring_mask(count_), 0);
        io_uring_buf_ring_advance(entries_, 1);
    }

    bool is_incremental_;
    bool is_open_ = false;
    unsigned count_ = 0, bytes_ = 0;
    size_t mapped_ = 0;
    char* memory_ = nullptr;
    char* buffers_ = nullptr;
    io_uring_buf_ring* entries_ = nullptr;
};

// --- who answers

class Ring {
 public:
    explicit Ring(const Choice& choice) {
        io_uring_params params{};
        params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL;
        params.cq_entries = 4096;
        params.flags |= choice.sqpoll ? IORING_SETUP_SQPOLL : IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
        params.sq_thread_idle = 50;
        CHECK(io_uring_queue_init_params(1024, &ring_, &params) == 0);
        if (choice.registered) CHECK(io_uring_register_ring_fd(&ring_) == 1);
    }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring() { io_uring_queue_exit(&ring_); }

    io_uring& get() { return ring_; }
    io_uring_sqe& entry(uint64_t data) {
        io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
        if (sqe == nullptr) {  // a thread that submits may be behind
            CHECK(io_uring_submit(&ring_) >= 0 && io_uring_sqring_wait(&ring_) >= 0);
            sqe = io_uring_get_sqe(&ring_);
        }
        CHECK(sqe != nullptr);
        sqe->user_data = data;
        return *sqe;
    }
    template <typename Visit>
    void wait(unsigned count, Visit visit) {
        int result = io_uring_submit_and_wait(&ring_, count);
        CHECK(result >= 0 || result == -EINTR);
        io_uring_cqe* cqe = nullptr;
        while (io_uring_peek_cqe(&ring_, &cqe) == 0) {
            const io_uring_cqe copy = *cqe;
            io_uring_cqe_seen(&ring_, cqe);
            visit(copy);
        }
    }

 private:
    io_uring ring_{};
};

class Responder {
 public:
    Responder(const Choice& choice, std::span<const Fd> sockets, unsigned answer_bytes)
        : choice_(choice), sockets_(sockets), answer_bytes_(answer_bytes), ring_(choice),
          buffers_(ring_.get(), choice.buffers) {
        CHECK(buffers_.is_open());
        for (size_t i = 0; i < sockets_.size(); ++i) receive(i);
    }

    // A request of each connection. A thread that submits may tell of the next ones already.
    void answer_all() {
        const unsigned all = static_cast<unsigned>(sockets_.size());
        while (received_ < all) {
            ring_.wait(all - received_ + sends_, [&](const io_uring_cqe& cqe) { received_ += use(cqe); });
        }
        received_ -= all;
    }
    void finish() {
        while (sends_ > 0) ring_.wait(sends_, [&](const io_uring_cqe& cqe) { use(cqe); });
        ring_.wait(0, [&](const io_uring_cqe& cqe) { use(cqe); });
    }

 private:
    static constexpr uint64_t is_send = uint64_t{1} << 32;

    // Whether it was a request.
    bool use(const io_uring_cqe& cqe) {
        if ((cqe.user_data & is_send) != 0) {
            CHECK((cqe.flags & IORING_CQE_F_NOTIF) != 0 || cqe.res == static_cast<int>(answer_bytes_));
            if ((cqe.flags & IORING_CQE_F_MORE) == 0) --sends_;
            return false;
        }
        CHECK(cqe.res == static_cast<int>(request_bytes));
        buffers_.give_back(cqe.flags);
        if ((cqe.flags & IORING_CQE_F_MORE) == 0) receive(cqe.user_data);
        send(cqe.user_data);
        return true;
    }
    void receive(size_t at) {
        io_uring_sqe& sqe = ring_.entry(at);
        int fd = sockets_[at].get();
        if (choice_.one_shot) io_uring_prep_recv(&sqe, fd, nullptr, 0, 0);
        else io_uring_prep_recv_multishot(&sqe, fd, nullptr, 0, 0);
        sqe.user_data = at;
        sqe.flags |= IOSQE_BUFFER_SELECT;
        sqe.buf_group = BufferRing::group;
    }
    void send(size_t at) {
        int fd = sockets_[at].get();
        if (choice_.sending == Sending::at_once) {
            CHECK(::send(fd, answer, answer_bytes_, MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<int>(answer_bytes_));
            return;
        }
        io_uring_sqe& sqe = ring_.entry(0);
        constexpr int how = MSG_NOSIGNAL | MSG_WAITALL;
        if (choice_.sending == Sending::zero_copy) io_uring_prep_send_zc(&sqe, fd, answer, answer_bytes_, how, 0);
        else io_uring_prep_send(&sqe, fd, answer, answer_bytes_, how);
        sqe.user_data = at | is_send;
        if (choice_.sending == Sending::quiet) sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
        else ++sends_;
    }

    const Choice& choice_;
    std::span<const Fd> sockets_;
    unsigned answer_bytes_;
    Ring ring_;
    BufferRing buffers_;
    unsigned sends_ = 0;  // that the ring will tell of
    unsigned received_ = 0;
};

void ask(std::span<const Fd> sockets, unsigned answer_bytes, unsigned rounds) {
    std::vector<char> buffer(std::max(request_bytes, answer_bytes));
    for (unsigned round = 0; round < rounds; ++round) {
        for (const Fd& socket : sockets) CHECK(write(socket.get(), buffer.data(), request_bytes) == request_bytes);
        for (const Fd& socket : sockets) {
            CHECK(recv(socket.get(), buffer.data(), answer_bytes, MSG_WAITALL) == static_cast<int>(answer_bytes));
        }
    }
}

double us_of_request(const Choice& choice, unsigned batch, unsigned answer_bytes, unsigned rounds) {
    sockaddr_in address{};
    Fd listener = listen_on(address);
    std::vector<Fd> clients, sockets;
    int on = 1, room = 1 << 20;
    for (unsigned i = 0; i < batch; ++i) {
        clients.push_back(connect_to(address));
        sockets.emplace_back(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK));
        CHECK(setsockopt(sockets.back().get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
        CHECK(setsockopt(sockets.back().get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) == 0);
    }
    unsigned warm_up = rounds / 10 + 1;
    Client client([&] { ask(clients, answer_bytes, warm_up + rounds); });
    Responder responder(choice, sockets, answer_bytes);
    for (unsigned i = 0; i < warm_up; ++i) responder.answer_all();
    double before = cpu_us();
    for (unsigned i = 0; i < rounds; ++i) responder.answer_all();
    responder.finish();
    return (cpu_us() - before) / (static_cast<double>(rounds) * batch);
}

// --- accepting

enum class Accepting { multishot, one_shot, calls };

void connect_in_turns(const sockaddr_in& address, int turns, unsigned batch, unsigned rounds) {
    char byte = 0;
    for (unsigned round = 0; round < rounds; ++round) {
        std::vector<Fd> sockets;
        for (unsigned i = 0; i < batch; ++i) sockets.push_back(connect_to(address));
        CHECK(write(turns, &byte, 1) == 1 && read(turns, &byte, 1) == 1);
    }
}

// Closing it included.
double us_of_accept(Accepting way, unsigned batch, unsigned rounds) {
    sockaddr_in address{};
    Fd listener = listen_on(address);
    CHECK(fcntl(listener.get(), F_SETFL, O_NONBLOCK) == 0);
    int turns[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, turns) == 0);
    Fd ours(turns[0]), theirs(turns[1]);
    Client client([&] { connect_in_turns(address, theirs.get(), batch, rounds); });
    Ring ring(Choice{.name = ""});
    auto arm = [&] {
        io_uring_sqe& sqe = ring.entry(0);
        if (way == Accepting::multishot) io_uring_prep_multishot_accept(&sqe, listener.get(), nullptr, nullptr, 0);
        else io_uring_prep_accept(&sqe, listener.get(), nullptr, nullptr, 0);
    };
    if (way != Accepting::calls) arm();
    double before = cpu_us();
    char byte = 0;
    for (unsigned round = 0; round < rounds; ++round) {
        unsigned accepted = 0;
        if (way == Accepting::calls) CHECK(read(ours.get(), &byte, 1) == 1);
        while (accepted < batch) {
            if (way == Accepting::calls) {
                Fd socket(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK));
                CHECK(socket);
                ++accepted;
                continue;
            }
            unsigned awaited = way == Accepting::multishot ? batch - accepted : 1;
            ring.wait(awaited, [&](const io_uring_cqe& cqe) {
                Fd socket(cqe.res);
                CHECK(socket);
                ++accepted;
                if ((cqe.flags & IORING_CQE_F_MORE) == 0) arm();
            });
        }
        if (way != Accepting::calls) CHECK(read(ours.get(), &byte, 1) == 1);
        CHECK(write(ours.get(), &byte, 1) == 1);
    }
    return (cpu_us() - before) / (static_cast<double>(rounds) * batch);
}

// --- the tables

struct Row {
    const char* name;
    std::function<double(unsigned column)> measure;
};

void show(const char* title, std::span<const char* const> columns, std::span<const Row> rows, unsigned runs) {
    std::vector<std::vector<std::vector<double>>> seen(rows.size(), std::vector<std::vector<double>>(columns.size()));
    for (unsigned run = 0; run < runs; ++run) {
        for (size_t row = 0; row < rows.size(); ++row) {
            for (size_t column = 0; column < columns.size(); ++column) {
                seen[row][column].push_back(rows[row].measure(static_cast<unsigned>(column)));
            }
        }
    }
    printf("\n| %s |", title);
    for (const char* column : columns) printf(" %s |", column);
    printf("\n|---|");
    for (size_t i = 0; i < columns.size(); ++i) printf("---|");
    for (size_t row = 0; row < rows.size(); ++row) {
        printf("\n| %s |", rows[row].name);
        for (auto& values : seen[row]) {
            std::ranges::sort(values);
            printf(" %.2f |", values[values.size() / 2]);
        }
    }
    printf("\n");
    fflush(stdout);
}

constexpr Choice choices[] = {
    {.name = "sends at once, multishot receives, 128 buffers of 4 KB, registered ring"},
    {.name = "sends by the ring", .sending = Sending::ring},
    {.name = "sends by the ring, successes untold", .sending = Sending::quiet},
    {.name = "receives that are asked for each time", .one_shot = true},
    {.name = "incremental buffers of 256 KB", .buffers = Buffers::incremental},
    {.name = "2,048 buffers of 4 KB in turn", .buffers = Buffers::many},
    {.name = "the same in huge pages", .buffers = Buffers::huge},
    {.name = "ring not registered", .registered = false},
    {.name = "SQPOLL", .sqpoll = true},
    {.name = "SQPOLL, sends by the ring", .sending = Sending::ring, .sqpoll = true},
};
constexpr Choice senders[] = {
    {.name = "at once"},
    {.name = "by the ring", .sending = Sending::ring},
    {.name = "by the ring, zero-copy", .sending = Sending::zero_copy},
};

bool has_incremental_buffers() {
    Ring ring(Choice{.name = ""});
    return BufferRing(ring.get(), Buffers::incremental).is_open();
}

int run(bool is_quick) {
    io_uring tried{};
    if (int error = io_uring_queue_init(8, &tried, 0); error != 0) {
        fprintf(stderr, "ring_choices: there is no io_uring here (%s)\n", strerror(-error));
        return 1;
    }
    io_uring_queue_exit(&tried);
    pin_to(0);
    unsigned runs = is_quick ? 1 : 7;
    unsigned requests = is_quick ? 640 : 19'200;
    std::vector<Row> rows;
    constexpr unsigned batches[] = {1, 8, 64};
    constexpr const char* of_batches[] = {"1", "8", "64"};
    const bool has_incremental = has_incremental_buffers();
    for (const Choice& choice : choices) {
        if (choice.buffers == Buffers::incremental && !has_incremental) continue;
        rows.push_back({choice.name, [&, requests](unsigned i) {
            return us_of_request(choice, batches[i], 1024, requests / batches[i]);
        }});
    }
    show("us for a request of 128 B and an answer of 1 KB, requests at hand", of_batches, rows, runs);

    rows.clear();
    constexpr unsigned sizes[] = {4096, 16384, answer_bytes_max};
    constexpr const char* of_sizes[] = {"4 KB", "16 KB", "64 KB"};
    for (const Choice& choice : senders) {
        rows.push_back({choice.name, [&, requests](unsigned i) {
            return us_of_request(choice, 8, sizes[i], requests / 32);
        }});
    }
    show("us for larger answers, 8 requests at hand", of_sizes, rows, runs);

    rows.clear();
    auto add = [&](const char* name, Accepting way) {
        rows.push_back({name, [=](unsigned i) { return us_of_accept(way, batches[i], requests / 8 / batches[i]); }});
    };
    add("multishot", Accepting::multishot);
    add("asked for each time", Accepting::one_shot);
    add("accept4() until there is none", Accepting::calls);
    show("us to accept a connection and to close it, connections at hand", of_batches, rows, runs);
    return 0;
}

}  // namespace
}  // namespace ringx

int main(int count, char** words) {
    bool is_quick = count == 2 && std::string_view(words[1]) == "--quick";
    if (count == 1 || is_quick) return ringx::run(is_quick);
    fprintf(stderr, "ring_choices: only --quick is an option\n");
    return 1;
}

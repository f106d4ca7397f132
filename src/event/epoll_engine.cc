#include "event/epoll_engine.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <vector>

#include "base/fd.h"
#include "event/epoll_files.h"
#include "event/loop.h"

namespace ringx {
namespace {

using Kind = Operation::Kind;

// Events fetched by one call. More wait in the kernel for the next turn.
constexpr size_t events_max = 512;

// What one descriptor may do before the others have their turn: a listener, a receiver, a sender.
constexpr int accepts_per_turn = 32;
constexpr int receives_per_turn = 16;
constexpr int sends_per_turn = 16;

// Parts given to one sendmsg() after a short one; a longer rest takes several calls.
constexpr size_t parts_max = 64;

constexpr uint32_t ended_events = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

// What is known of a descriptor. The flags are hints: a wrong one costs a system call or is set right by the next edge.
struct Descriptor {
    Operation* in = nullptr;   // in flight: accepts, receives, or polls for input
    Operation* out = nullptr;  // in flight: sends, connects, or polls for output
    uint32_t generation = 0;   // counts the closes: events of an earlier descriptor of this number are dropped
    bool watched : 1 = false;
    bool listening : 1 = false;
    bool readable : 1 = false;  // nothing has told since the last edge that a read would wait
    bool ended : 1 = false;     // the peer has ended its side, or all is over: a short read means nothing
};

bool is_file(Kind kind) { return kind == Kind::open || kind == Kind::read || kind == Kind::write; }

bool writes(const Operation& operation) {
    return operation.kind == Kind::send || operation.kind == Kind::connect ||
           (operation.kind == Kind::poll && operation.events == POLLOUT);
}

// Sends from byte `done` of the message on, which itself stays as it is.
ssize_t send_rest(int fd, const msghdr& message, uint64_t done) {
    if (done == 0) return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    std::array<iovec, parts_max> parts;
    size_t count = 0;
    for (size_t i = 0; i < message.msg_iovlen && count < parts.size(); ++i) {
        iovec part = message.msg_iov[i];
        size_t skipped = std::min<uint64_t>(done, part.iov_len);
        done -= skipped;
        if (skipped == part.iov_len) continue;
        parts[count++] = {static_cast<char*>(part.iov_base) + skipped, part.iov_len - skipped};
    }
    msghdr rest{};
    rest.msg_name = message.msg_name;
    rest.msg_namelen = message.msg_namelen;
    rest.msg_iov = parts.data();
    rest.msg_iovlen = count;
    return sendmsg(fd, &rest, MSG_DONTWAIT | MSG_NOSIGNAL);
}

uint64_t length(const msghdr& message) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < message.msg_iovlen; ++i) bytes += message.msg_iov[i].iov_len;
    return bytes;
}

class EpollEngine final : public Engine, private EpollFiles::Owner {
 public:
    EpollEngine(const EngineSettings& settings, Loop& loop, Fd epoll, Fd wakeup)
        : loop_(loop),
          epoll_(std::move(epoll)),
          wakeup_(std::move(wakeup)),
          pool_(std::clamp(settings.receive_buffers, 1u, 32768u), std::max(settings.receive_buffer_bytes, 1u)),
          files_(loop.blocking(), *this) {}

    std::string_view name() const override { return "epoll"; }
    void close(int fd) override;
    void unwatch(int fd) override;
    void wait(std::optional<uint64_t> sleep_ms) override;
    void wake() override { eventfd_write(wakeup_.get(), 1); }
    BufferPool& buffers() override { return pool_; }

 private:
    void begin(Operation& operation) override;
    void abandon(Operation& operation) override;
    void file_done(Operation& operation, int result) override { answer(operation, {result}); }

    Descriptor& at(int fd) { return descriptors_[static_cast<size_t>(fd)]; }
    Operation*& place(const Operation& operation) {
        return writes(operation) ? at(operation.fd).out : at(operation.fd).in;
    }

    void attempt(Operation& operation);
    void deliver(const epoll_event& event);
    void proceed(Operation* waiting, uint32_t events);
    bool watch(const Operation& operation);
    void unpark();
    void finish(Operation& operation, int result, int32_t buffer = -1);

    void accept(Operation& listener);
    int receive_some(const Operation& receiver, void* data, size_t size);
    void receive(Operation& receiver);
    void receive_into(Operation& receiver);
    void send(Operation& sender);
    void connect(Operation& connector);
    void connected(Operation& connector);

    Loop& loop_;
    Fd epoll_;
    Fd wakeup_;
    BufferPool pool_;
    EpollFiles files_;
    std::vector<Descriptor> descriptors_;  // by number
    List<Operation> ready_;                // tried, or told of their cancellation, in the next wait
    List<Operation> parked_;               // receives that wait for a buffer
    std::array<epoll_event, events_max> events_;
};

void EpollEngine::begin(Operation& operation) {
    if (is_file(operation.kind)) return ready_.push_back(operation);
    CHECK(operation.fd >= 0);
    auto fd = static_cast<size_t>(operation.fd);
    if (fd >= descriptors_.size()) descriptors_.resize(std::max(fd + 1, descriptors_.size() * 2));
    Operation*& mine = place(operation);
    CHECK(mine == nullptr);
    mine = &operation;

    if (operation.kind == Kind::send) operation.done = 0;
    bool may_be_ready = operation.kind != Kind::poll && (writes(operation) || at(operation.fd).readable);
    // A failure to watch is met again, and told, in the next wait.
    if (may_be_ready || !watch(operation)) ready_.push_back(operation);
}

void EpollEngine::abandon(Operation& operation) {
    if (is_file(operation.kind)) return;  // refused when its turn comes, or a thread has it
    place(operation) = nullptr;
    operation.unlink();
    ready_.push_back(operation);
}

void EpollEngine::close(int fd) {
    if (static_cast<size_t>(fd) < descriptors_.size()) {
        Descriptor& descriptor = at(fd);
        CHECK(descriptor.in == nullptr && descriptor.out == nullptr);
        // The kernel forgets a descriptor with its last holder, and listeners are held by other processes too.
        if (descriptor.listening) {
            int removed = epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
            CHECK(removed == 0);
        }
        uint32_t generation = descriptor.generation + 1;
        descriptor = {};
        descriptor.generation = generation;
    }
    ::close(fd);
}

void EpollEngine::unwatch(int fd) {
    bool is_watched = static_cast<size_t>(fd) < descriptors_.size() && at(fd).watched;
    if (!is_watched) return;
    Descriptor& descriptor = at(fd);
    CHECK(descriptor.in == nullptr && descriptor.out == nullptr);
    int removed = epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    CHECK(removed == 0);
    // What is ready will be reported when it is watched again.
    ++descriptor.generation;
    descriptor.watched = descriptor.readable = false;
}

void EpollEngine::wait(std::optional<uint64_t> sleep_ms) {
    count_turn(loop_.clock().now_us());
    unpark();
    List<Operation> due;
    due.take_all(ready_);
    if (!due.empty()) loop_.refresh_clock();
    while (!due.empty()) attempt(due.pop_front());

    // What was answered may have made work for this turn, so there is time only for events that are there already.
    int timeout = static_cast<int>(std::min<uint64_t>(sleep_ms.value_or(INT_MAX), INT_MAX));
    if (!sleep_ms) timeout = -1;
    if (completions_ != 0 || !ready_.empty()) timeout = 0;
    int count = epoll_wait(epoll_.get(), events_.data(), events_max, timeout);
    // Whoever was stopped and continued asks for what came meanwhile: it counts before the time.
    if (count < 0 && errno == EINTR) count = epoll_wait(epoll_.get(), events_.data(), events_max, 0);
    CHECK(count >= 0 || errno == EINTR);
    loop_.refresh_clock();
    for (int i = 0; i < count; ++i) deliver(events_[static_cast<size_t>(i)]);
}

// Tries what was just started, or has more to do than one turn allows.
void EpollEngine::attempt(Operation& operation) {
    if (is_cancelled(operation)) {
        bool partly = operation.kind == Kind::send && operation.done > 0;
        return answer(operation, {partly ? static_cast<int>(operation.done) : -ECANCELED});
    }
    if (is_file(operation.kind)) return files_.run(operation);
    if (operation.kind == Kind::connect) return connect(operation);
    if (operation.kind != Kind::send && !watch(operation)) return finish(operation, -errno);
    proceed(&operation, 0);
}

void EpollEngine::deliver(const epoll_event& event) {
    int fd = static_cast<int>(event.data.u64 & 0xffff'ffff);
    auto generation = static_cast<uint32_t>(event.data.u64 >> 32);
    if (fd == wakeup_.get() || at(fd).generation != generation) return;
    if (event.events & ended_events) at(fd).ended = true;
    if (event.events & (EPOLLIN | ended_events)) {
        at(fd).readable = true;
        proceed(at(fd).in, event.events);
    }
    // What was just answered may have closed it.
    if (at(fd).generation != generation) return;
    if (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) proceed(at(fd).out, event.events);
}

// Does what can be done without waiting, after an edge with these events or, with none, on the strength of the hints.
void EpollEngine::proceed(Operation* waiting, uint32_t events) {
    if (waiting == nullptr || waiting->linked()) return;  // nobody, or it has its turn later
    Operation& operation = *waiting;
    switch (operation.kind) {
        case Kind::accept:
        case Kind::accept_many: return accept(operation);
        case Kind::receive:
        case Kind::receive_many: return receive(operation);
        case Kind::receive_into: return receive_into(operation);
        case Kind::send: return send(operation);
        case Kind::connect: return connected(operation);
        case Kind::poll: {
            int met = static_cast<int>(events) & (operation.events | POLLERR | POLLHUP);
            if (met != 0) finish(operation, met);
            return;
        }
        case Kind::open:
        case Kind::read:
        case Kind::write: CHECK(false);
    }
}

// Sees to it that edges of the descriptor are reported; what is ready already is reported like an edge. False when it
// is refused, with the reason in errno.
bool EpollEngine::watch(const Operation& operation) {
    Descriptor& descriptor = at(operation.fd);
    if (descriptor.watched) return true;
    bool listening = operation.kind == Kind::accept || operation.kind == Kind::accept_many;
    epoll_event event{};
    // Of the workers that share a listener one is to wake for a connection.
    event.events = EPOLLET | EPOLLIN | (listening ? EPOLLEXCLUSIVE : EPOLLOUT | EPOLLRDHUP);
    event.data.u64 = uint64_t{descriptor.generation} << 32 | static_cast<uint32_t>(operation.fd);
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, operation.fd, &event) != 0) return false;
    descriptor.watched = true;
    descriptor.listening = listening;
    return true;
}

// Buffers are given back within turns, so it is early enough to look before each sleep.
void EpollEngine::unpark() {
    for (uint32_t free = pool_.available(); free > 0 && !parked_.empty(); --free) {
        ready_.push_back(parked_.pop_front());
    }
}

void EpollEngine::finish(Operation& operation, int result, int32_t buffer) {
    CHECK(place(operation) == &operation);
    place(operation) = nullptr;
    answer(operation, {result, false, buffer});
}

void EpollEngine::accept(Operation& listener) {
    int fd = listener.fd;
    for (int i = 0; i < accepts_per_turn && at(fd).readable; ++i) {
        int accepted = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0 && (errno == ECONNABORTED || errno == EINTR)) continue;
        if (accepted < 0 && errno == EAGAIN) {
            at(fd).readable = false;
            return;
        }
        if (accepted < 0) return finish(listener, -errno);
        // Else its last owner did not close it through the engine.
        CHECK(static_cast<size_t>(accepted) >= descriptors_.size() || !at(accepted).watched);
        if (listener.kind == Kind::accept) return finish(listener, accepted);
        answer(listener, {accepted, true});
        if (is_cancelled(listener)) return;
    }
    if (at(fd).readable) ready_.push_back(listener);
}

// Receives at most `size` bytes: their number, 0 at the end, or a negative errno; after -EAGAIN an edge will come.
int EpollEngine::receive_some(const Operation& receiver, void* data, size_t size) {
    Descriptor& descriptor = at(receiver.fd);
    ssize_t got = recv(receiver.fd, data, size, MSG_DONTWAIT);
    if (got < 0) {
        int error = errno;
        if (error == EAGAIN) descriptor.readable = false;
        return -error;
    }
    // A short read has emptied a stream, but a datagram says nothing of the next one.
    bool is_stream = receiver.kind != Kind::receive;
    if (is_stream && static_cast<size_t>(got) < size && !descriptor.ended) descriptor.readable = false;
    return static_cast<int>(got);
}

void EpollEngine::receive(Operation& receiver) {
    int fd = receiver.fd;
    for (int i = 0; i < receives_per_turn && at(fd).readable; ++i) {
        int32_t buffer = pool_.take();
        if (buffer < 0) {
            counters_->buffer_parks.add(1);
            return parked_.push_back(receiver);
        }
        pool_.lend(buffer, pool_.bytes());
        int got = receive_some(receiver, pool_.memory(buffer), pool_.bytes());
        if (got <= 0) {
            pool_.give_back(buffer);
            if (got != -EAGAIN) finish(receiver, got);
            return;
        }
        pool_.lend(buffer, static_cast<size_t>(got));
        if (receiver.kind == Kind::receive) return finish(receiver, got, buffer);
        answer(receiver, {got, true, buffer});
        if (is_cancelled(receiver)) return;
    }
    if (at(fd).readable) ready_.push_back(receiver);
}

void EpollEngine::receive_into(Operation& receiver) {
    if (!at(receiver.fd).readable) return;
    int got = receive_some(receiver, receiver.data, receiver.bytes);
    if (got != -EAGAIN) finish(receiver, got);
}

void EpollEngine::send(Operation& sender) {
    const msghdr& message = *sender.message;
    uint64_t all = length(message);
    for (int i = 0; i < sends_per_turn; ++i) {
        ssize_t sent = send_rest(sender.fd, message, sender.done);
        if (sent < 0 && errno == EAGAIN && watch(sender)) return;
        if (sent < 0) return finish(sender, sender.done > 0 ? static_cast<int>(sender.done) : -errno);
        sender.done += static_cast<uint64_t>(sent);
        if (sender.done >= all) return finish(sender, static_cast<int>(sender.done));
    }
    ready_.push_back(sender);
}

void EpollEngine::connect(Operation& connector) {
    if (::connect(connector.fd, connector.address, connector.bytes) == 0) return finish(connector, 0);
    if (errno != EINPROGRESS) return finish(connector, -errno);
    if (!watch(connector)) finish(connector, -errno);
}

void EpollEngine::connected(Operation& connector) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(connector.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    finish(connector, -error);
}

}  // namespace

Result<std::unique_ptr<Engine>> make_epoll_engine(const EngineSettings& settings, Loop& loop) {
    Fd epoll(epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return fail("epoll_create1");
    Fd wakeup(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wakeup) return fail("eventfd");
    // Edge-triggered: every write is reported, so the counter need not be read.
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.u64 = static_cast<uint32_t>(wakeup.get());
    if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wakeup.get(), &event) != 0) return fail("epoll_ctl");
    return std::make_unique<EpollEngine>(settings, loop, std::move(epoll), std::move(wakeup));
}

}  // namespace ringx

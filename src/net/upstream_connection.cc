#include "net/upstream_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/fd.h"

namespace ringx {
namespace {

Result<> set_option(const Fd& socket, int level, int option, int value) {
    if (setsockopt(socket.get(), level, option, &value, sizeof value) != 0) return fail("setsockopt");
    return {};
}

Result<> bind_to(const Fd& socket, const Address& from, bool transparent) {
    if (transparent) {
        bool is_v6 = from.family() == AF_INET6;
        Result<> set = is_v6 ? set_option(socket, IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
                             : set_option(socket, IPPROTO_IP, IP_TRANSPARENT, 1);
        if (!set) return set;
    }
    // The kernel chooses the port when it knows where to, so more connections than ports can be made.
    if (from.port() == 0) (void)set_option(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(socket.get(), from.get(), from.length()) != 0) return fail("bind");
    return {};
}

Result<Fd> make_socket(const Address& to, const SocketRules& rules) {
    Fd socket(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return fail("socket");
    Result<> good;
    auto receive_bytes = static_cast<int>(rules.receive_bytes), send_bytes = static_cast<int>(rules.send_bytes);
    if (receive_bytes > 0) good = set_option(socket, SOL_SOCKET, SO_RCVBUF, receive_bytes);
    if (good && send_bytes > 0) good = set_option(socket, SOL_SOCKET, SO_SNDBUF, send_bytes);
    if (good && rules.keepalive) good = set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (good && to.family() != AF_UNIX) {
        good = set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
        if (good && rules.from) good = bind_to(socket, *rules.from, rules.transparent);
    }
    if (!good) return std::unexpected(good.error());
    return socket;
}

}  // namespace

std::optional<Result<size_t>> UpstreamConnection::receive_now(std::span<char> room) {
    CHECK(!room.empty());
    const bool is_plain = stream_.tls() == nullptr;
    if (is_plain) receiver().rest();
    if (left_.empty() && receiver().ready()) {
        Result<Lease> got = receiver().take();
        if (!got) return std::unexpected(got.error());
        if (got->empty()) return size_t{0};
        left_ = std::move(*got);
    }
    if (!left_.empty()) {
        size_t bytes = left_.view().copy(room.data(), room.size());
        left_.narrow(bytes, left_.view().size() - bytes);
        if (left_.empty()) left_.release();
        if (left_.is_wanted()) left_ = Lease(std::make_unique<std::string>(left_.view()));
        return bytes;
    }
    if (!is_plain || receiver().in_flight()) return std::nullopt;
    ssize_t got = 0;
    do {  // who waits for an edge must have met EAGAIN
        got = recv(stream_.fd(), room.data(), room.size(), MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno == EAGAIN) return std::nullopt;
    return fail("recv");
}

std::optional<Result<size_t>> UpstreamConnection::receive_now(SplicePipe& pipe, size_t bytes_max) {
    if (stream_.tls() != nullptr) return std::nullopt;
    receiver().rest();
    if (!left_.empty() || receiver().ready() || receiver().in_flight()) return std::nullopt;
    Result<size_t> got = pipe.fill_from(stream_.fd(), bytes_max);
    if (!got && got.error().number == EAGAIN) return std::nullopt;
    return got;
}

Task<Result<>> UpstreamConnection::wait_readable(uint64_t limit_ms) {
    if (cancelled_) co_return fail("recv", ECANCELED);
    if (stream_.tls() != nullptr) {
        Result<Lease> got = co_await receiver().next(limit_ms);
        if (!got) co_return std::unexpected(got.error());
        left_ = std::move(*got);
        co_return Result<>();
    }
    if (receiver().in_flight()) {
        co_await receiver().at_rest();
        co_return Result<>();
    }
    co_return co_await poll(POLLIN, receiving_, "recv", limit_ms);
}

Task<Result<size_t>> UpstreamConnection::receive(std::span<char> room, uint64_t limit_ms) {
    for (;;) {
        std::optional<Result<size_t>> got = receive_now(room);
        if (got) co_return *got;
        Result<> readable = co_await wait_readable(limit_ms);
        if (!readable) co_return std::unexpected(readable.error());
    }
}

Task<Result<>> UpstreamConnection::wait_writable(uint64_t limit_ms) {
    if (cancelled_) co_return fail("send", ECANCELED);
    co_return co_await poll(POLLOUT, sending_, "send", limit_ms);
}

Task<Result<>> UpstreamConnection::poll(short events, Wait*& waiting, const char* call, uint64_t limit_ms) {
    Wait wait(loop_, Operation::Kind::poll, stream_.fd(), call, limit_ms);
    wait.events = events;
    waiting = &wait;
    Result<int> ready = co_await wait;
    waiting = nullptr;
    if (!ready) co_return std::unexpected(ready.error());
    co_return Result<>();
}

void UpstreamConnection::cancel() {
    cancelled_ = true;
    receiver().interrupt();
    if (receiving_ != nullptr) receiving_->cancel();
    if (sending_ != nullptr) sending_->cancel();
}

void UpstreamConnection::run() { pool_->end_idle(*this); }

void UpstreamConnection::expire() { pool_->end_idle(*this); }

UpstreamPool::~UpstreamPool() { CHECK(idle_ == 0 && closing_ == 0); }

std::unique_ptr<UpstreamConnection> UpstreamPool::take(std::string_view group, std::string_view key,
                                                       uint32_t owner) {
    auto found = groups_.find(group);
    if (found == groups_.end()) return nullptr;
    Idle& idle = found->second;
    auto newest = std::find_if(idle.rbegin(), idle.rend(), [key, owner](const auto& one) {
        return one->owner_ == owner && one->key_ == key;
    });
    if (newest == idle.rend()) return nullptr;
    std::unique_ptr<UpstreamConnection> taken = std::move(*newest);
    idle.erase(std::next(newest).base());
    --idle_;
    loop_.timers().stop(*taken);
    taken->receiver().watch_bytes(nullptr);
    static_cast<Deferred&>(*taken).unlink();
    if (taken->receiver().ready()) {  // its end came in this very turn
        close(std::move(taken));
        return take(group, key, owner);
    }
    return taken;
}

Task<Result<std::unique_ptr<UpstreamConnection>>> UpstreamPool::open(const Address& to, const SocketRules& rules,
                                                                     uint64_t limit_ms, Wait*& waiting) {
    Result<Fd> socket = make_socket(to, rules);
    if (!socket) co_return std::unexpected(socket.error());
    int fd = socket->release();
    Wait wait(loop_, Operation::Kind::connect, fd, "connect", limit_ms);
    wait.address = to.get();
    wait.bytes = to.length();
    waiting = &wait;
    Result<int> connected = co_await wait;
    waiting = nullptr;
    if (!connected) {
        loop_.engine().close(fd);
        co_return std::unexpected(connected.error());
    }
    co_return std::make_unique<UpstreamConnection>(loop_, fd);
}

void UpstreamPool::keep(std::unique_ptr<UpstreamConnection> connection, std::string_view group, std::string_view key,
                        const IdleLimits& limits) {
    uint64_t age_ms = loop_.clock().now_ms() - connection->opened_ms_;
    bool is_worn = connection->requests_ >= limits.requests || age_ms >= static_cast<uint64_t>(limits.age.count());
    bool is_clean = connection->left_.empty() && !connection->cancelled_ && !connection->receiver().ready();
    if (draining_ || is_worn || !is_clean || limits.connections == 0) return close(std::move(connection));
    Idle& idle = idle_of(group);
    while (idle.size() >= limits.connections) {
        std::unique_ptr<UpstreamConnection> oldest = std::move(idle.front());
        idle.erase(idle.begin());
        --idle_;
        close(std::move(oldest));
    }
    UpstreamConnection& kept = *connection;
    idle.push_back(std::move(connection));
    ++idle_;
    if (kept.key_ != key) kept.key_ = key;
    kept.owner_ = limits.owner;
    kept.pool_ = this;
    kept.among_ = &idle;
    loop_.set_timer(kept, static_cast<uint64_t>(limits.idle.count()));
    kept.receiver().watch_bytes(&kept);
}

// A group may be a host that one request has named: those nobody waits in go when there are many.
UpstreamPool::Idle& UpstreamPool::idle_of(std::string_view group) {
    auto found = groups_.find(group);
    if (found != groups_.end()) return found->second;
    if (groups_.size() >= groups_max_) {
        std::erase_if(groups_, [](const auto& one) { return one.second.empty(); });
        groups_max_ = std::max(groups_min, 2 * groups_.size());
    }
    return groups_.try_emplace(std::string(group)).first->second;
}

void UpstreamPool::end_idle(UpstreamConnection& connection) {
    Idle& idle = *connection.among_;
    auto found = std::ranges::find(idle, &connection, &std::unique_ptr<UpstreamConnection>::get);
    CHECK(found != idle.end());
    std::unique_ptr<UpstreamConnection> ended = std::move(*found);
    idle.erase(found);
    --idle_;
    close(std::move(ended));
}

void UpstreamPool::close(std::unique_ptr<UpstreamConnection> connection) { end(std::move(connection)); }

Conversation UpstreamPool::end(std::unique_ptr<UpstreamConnection> connection) {
    ++closing_;
    UpstreamConnection& ended = *connection;
    loop_.timers().stop(ended);
    ended.receiver().watch_bytes(nullptr);
    static_cast<Deferred&>(ended).unlink();
    if (TlsChannel* tls = ended.stream_.tls()) {
        tls->send_close_notify();
        (void)ended.stream_.push();  // what it does not take now is lost, as the connection is
    }
    if (ended.receiver().in_flight()) {
        ended.receiver().end();
        co_await ended.receiver().ended();
    }
    loop_.engine().close(ended.stream_.fd());
    --closing_;
}

void UpstreamPool::keep_only(const std::function<bool(std::string_view group)>& is_wanted) {
    for (auto group = groups_.begin(); group != groups_.end();) {
        if (is_wanted(group->first)) {
            ++group;
            continue;
        }
        idle_ -= group->second.size();
        for (std::unique_ptr<UpstreamConnection>& one : group->second) close(std::move(one));
        group = groups_.erase(group);
    }
}

void UpstreamPool::drain() {
    draining_ = true;
    keep_only([](std::string_view) { return false; });
}

}  // namespace ringx

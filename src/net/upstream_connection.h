// net/upstream_connection.h - a connection to a server behind us, and those that wait for another request.
//
// Who has taken or opened a connection owns it, and either keeps it in the pool for others or closes it. In the pool a
// receive is armed: a server that closes, or speaks without being asked, is noticed at once, and its connection is
// never picked. Connections belong to the worker and outlive generations; they are told apart by what they were opened
// with.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "event/task.h"
#include "net/address.h"
#include "net/splice_pipe.h"
#include "net/stream.h"

namespace ringx {

class UpstreamPool;

// How a socket to a server is made.
struct SocketRules {
    std::optional<Address> from;  // bind(2) to it; port 0: any
    bool transparent = false;     // `from` may be anybody's (IP_TRANSPARENT)
    bool keepalive = false;       // SO_KEEPALIVE
    uint32_t receive_bytes = 0;   // SO_RCVBUF; 0: the kernel's choice
    uint32_t send_bytes = 0;      // SO_SNDBUF
};

class UpstreamConnection : private Deferred, private Timer {
 public:
    UpstreamConnection(Loop& loop, int socket)
        : stream_(loop, socket), loop_(loop), opened_ms_(loop.clock().now_ms()) {}

    Stream& stream() { return stream_; }
    Receiver& receiver() { return stream_.receiver(); }
    // Requests begun on it.
    uint32_t requests() const { return requests_; }
    void count_request() { ++requests_; }

    // Bytes of the stream into memory of the caller's, as many as are here: 0 at the end, nothing when there are none
    // now. Large answers need few calls that way, and no memory while they are waited for. Between it and
    // receiver().next() nothing is lost, in this order.
    std::optional<Result<size_t>> receive_now(std::span<char> room);
    // Likewise into a pipe; nothing also where what came is in memory already, or was encrypted.
    std::optional<Result<size_t>> receive_now(SplicePipe& pipe, size_t bytes_max);
    // Until receive_now() is worth another try. Errors: ETIMEDOUT, ECANCELED.
    Task<Result<>> wait_readable(uint64_t limit_ms);
    // Both: waits for the bytes.
    Task<Result<size_t>> receive(std::span<char> room, uint64_t limit_ms);
    // Until the socket takes more of what is sent to stream(). Errors: ETIMEDOUT, ECANCELED.
    Task<Result<>> wait_writable(uint64_t limit_ms);

    // It will not be used any more: whoever waits for it goes on with ECANCELED.
    void cancel();

 private:
    friend class UpstreamPool;

    // It waits in the pool and was closed, or spoke.
    void run() override;
    // It waits there for too long.
    void expire() override;

    Task<Result<>> poll(short events, Wait*& waiting, const char* call, uint64_t limit_ms);

    Stream stream_;
    Loop& loop_;
    Wait* receiving_ = nullptr;
    Wait* sending_ = nullptr;
    Lease left_;                    // given by the receiver, when it was more than there was room for
    UpstreamPool* pool_ = nullptr;  // it waits in,
    std::vector<std::unique_ptr<UpstreamConnection>>* among_ = nullptr;  // with those of its group
    std::string key_;
    uint32_t owner_ = 0;            // as in IdleLimits
    const uint64_t opened_ms_;
    uint32_t requests_ = 0;
    bool cancelled_ = false;
};

// For how long, and how many, connections are kept.
struct IdleLimits {
    uint32_t connections = 32;  // of a group; 0: none
    uint32_t requests = 1000;   // over one connection
    std::chrono::milliseconds age{std::chrono::hours(1)};
    std::chrono::milliseconds idle{std::chrono::seconds(60)};
    uint32_t owner = 0;  // who alone may take them again; 0 is one as any other
};

class UpstreamPool {
 public:
    explicit UpstreamPool(Loop& loop) : loop_(loop) {}
    UpstreamPool(const UpstreamPool&) = delete;
    UpstreamPool& operator=(const UpstreamPool&) = delete;
    ~UpstreamPool();

    // The one of the group and the owner that was opened with `key` and has waited least; null when there is none.
    std::unique_ptr<UpstreamConnection> take(std::string_view group, std::string_view key, uint32_t owner = 0);

    // Connects. Errors: those of the calls, ETIMEDOUT, ECANCELED by way of `waiting`.
    Task<Result<std::unique_ptr<UpstreamConnection>>> open(const Address& to, const SocketRules& rules,
                                                           uint64_t limit_ms, Wait*& waiting);

    // For another request. REQUIRES: nothing of a response is left, and nobody waits for anything.
    void keep(std::unique_ptr<UpstreamConnection> connection, std::string_view group, std::string_view key,
              const IdleLimits& limits);
    // Without waiting for it.
    void close(std::unique_ptr<UpstreamConnection> connection);

    // Those of other groups are closed.
    void keep_only(const std::function<bool(std::string_view group)>& is_wanted);
    // From now on nothing is kept.
    void drain();
    // Those that are being closed.
    size_t closing() const { return closing_; }
    size_t idle() const { return idle_; }
    // Those it has a place for, whether or not anything waits there.
    size_t groups() const { return groups_.size(); }

 private:
    friend class UpstreamConnection;

    using Idle = std::vector<std::unique_ptr<UpstreamConnection>>;  // least recently used first

    static constexpr size_t groups_min = 64;

    Idle& idle_of(std::string_view group);
    void end_idle(UpstreamConnection& connection);
    Conversation end(std::unique_ptr<UpstreamConnection> connection);

    Loop& loop_;
    std::map<std::string, Idle, std::less<>> groups_;
    size_t groups_max_ = groups_min;  // before those are looked for that are empty
    size_t idle_ = 0;
    size_t closing_ = 0;
    bool draining_ = false;
};

}  // namespace ringx

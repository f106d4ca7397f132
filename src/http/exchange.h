// http/exchange.h - a request's way to a server behind us and back: peers are tried until one answers.
//
// The coroutine that runs it reads; a second one, while it has to wait, sends. So an answer that comes before the
// request was sent whole is seen and passed on, and neither side waits for the other in vain. The time a server has
// for its answer counts from when all was sent.
// An answer that came whole with its head is memory, and its connection is free for others at once. Otherwise the body
// is a source, which a third coroutine fills: part by part as the client takes them, from memory that is still in the
// CPU's cache; but if answers are buffered and the client is slow it reads ahead, into memory and a file, so that the
// server is not kept waiting. Where bytes need not be looked at they are moved from socket to socket.
// It lives in the request's arena, and ends before that does.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "conf/value.h"
#include "event/signal.h"
#include "event/task.h"
#include "event/timer.h"
#include "http/activity.h"
#include "http/body_store.h"
#include "http/request.h"
#include "http/response.h"
#include "http/sticky.h"
#include "http/upstream_protocol.h"
#include "http/upstream_tls.h"
#include "http/upstream_tries.h"
#include "net/peer_queue.h"
#include "net/peers.h"
#include "net/retry_budget.h"
#include "net/splice_pipe.h"
#include "net/upstream_connection.h"

namespace ringx::http {

// What is tried again with another server; the statuses are those of answers.
enum class NextUpstream : uint8_t {
    error, timeout, denied, invalid_header, non_idempotent, http_403, http_404, http_429, http_500, http_502, http_503,
    http_504, updating, off,
};

constexpr std::array<conf::Choice<NextUpstream>, 14> choices(NextUpstream) {
    return {{{"error", NextUpstream::error},
             {"timeout", NextUpstream::timeout},
             {"denied", NextUpstream::denied},  // to `proxy_allow_upstream`, which there is not
             {"invalid_header", NextUpstream::invalid_header},
             {"non_idempotent", NextUpstream::non_idempotent},
             {"http_403", NextUpstream::http_403},
             {"http_404", NextUpstream::http_404},
             {"http_429", NextUpstream::http_429},
             {"http_500", NextUpstream::http_500},
             {"http_502", NextUpstream::http_502},
             {"http_503", NextUpstream::http_503},
             {"http_504", NextUpstream::http_504},
             {"updating", NextUpstream::updating},
             {"off", NextUpstream::off}}};
}

// How exchanges are done: what the directives of each protocol say in the same words.
struct ExchangeRules {
    std::chrono::milliseconds connect_timeout{60'000};
    std::chrono::milliseconds send_timeout{60'000};
    std::chrono::milliseconds read_timeout{60'000};
    conf::Flags<NextUpstream> next_upstream;
    std::chrono::milliseconds next_upstream_timeout{0};  // 0: no limit
    uint32_t next_upstream_tries = 0;                    // 0: no limit
    std::optional<RetryBudget::Rules> retry_budget;      // none: no limit
    bool buffers_request = true;
    bool buffers_response = true;
    bool minds_client = true;  // a client that leaves ends it
    BodyStore::Limits store{};
    SocketRules socket;
    IdleLimits idle;
};

class Exchange final : private Activity, private BodySource {
 public:
    struct Where {
        std::shared_ptr<PeerRoster> peers = nullptr;
        std::string_view scheme;  // "http://", and
        std::string_view uri;     // "/path": for the log
        PeerWish wish = {};
        const Sticky* sticky = nullptr;  // null: the client is not bound to whom it is answered by
        uint32_t queue = 0;  // how many may wait until a peer has room
        std::chrono::milliseconds queue_timeout{};
        const UpstreamTls::Goal* tls = nullptr;  // null: servers are spoken to as it is
        bool takes_body = true;   // of the request
    };
    // Everything outlives it. Without a protocol nothing is said to a server: what is wanted is a connection to it, as
    // a tunnel.
    Exchange(Request& request, const ExchangeRules& rules, UpstreamProtocol* protocol, const Where& where);
    Exchange(Request& request, const ExchangeRules& rules, UpstreamProtocol& protocol, const Where& where)
        : Exchange(request, rules, &protocol, where) {}
    ~Exchange() override;

    // Tries until there is the head of a response: 0. Otherwise the status to answer with.
    Task<uint16_t> run();

    // What the server answered; texts in it live as long as the request.
    const UpstreamHead& head() const { return head_; }
    // Who that was. REQUIRES: there is a head.
    const ringx::Peer& peer() const { return *peer_; }
    // Whether the body is read ahead: the server has a say in it.
    void buffer(bool on) { buffers_ = on; }
    // How many bytes of the body a second are read ahead; 0: as many as come.
    void limit_rate(uint64_t bytes_a_second) { rate_ = bytes_a_second; }
    // The body goes into the response: as memory, or as a source; or what a 101 has opened, as a tunnel.
    void give_body(Response& response);
    // The answer is not wanted. Without a body to come this is not needed.
    Task<void> end() override;

 private:
    enum class Fault : uint8_t { none, error, timeout, invalid_head, client, ours };

    // Trying.
    Task<const ringx::Peer*> wait_for_peer();
    Task<Fault> try_peer(const ringx::Peer& peer);
    Task<Fault> connect(const ringx::Peer& peer);
    Task<Fault> secure(const ringx::Peer& peer);
    std::string_view key_of(const ringx::Peer& peer) const;
    void greet_nobody();
    bool opens_tunnel() const { return protocol_ == nullptr || head_.status == 101; }
    Task<Fault> read_head();
    Fault no_head(const Result<Lease>& got);
    bool understand_head(Fault& fault);
    void keep_bytes(Lease lease);
    void drop_bytes(size_t bytes);
    std::span<char> received() { return text_.empty() ? lease_.bytes() : std::span<char>(text_); }
    bool may_try_again(Fault fault) const;
    bool can_afford_retry() const;
    uint16_t status_of(Fault fault) const;

    // Sending.
    Task<Result<>> prepare_body();
    bool send_at_once();
    void send_rest();
    Task<void> send_request();
    Task<Result<>> send(std::string_view first, std::string_view second);
    Task<Result<>> send_body();
    Task<void> stop_sending();
    bool is_sent() const { return !sender_ || sender_.done(); }

    // The body.
    void move_to_memory();
    std::unique_ptr<Tunnel> make_tunnel(std::string_view first);
    Task<Result<std::string_view>> next() override;
    bool can_move() override;
    bool begin_move() override;
    Result<size_t> move_to(int socket) override;
    void stalled() override;
    void cancel() override { give_up(); }
    Task<void> close() override { return end(); }
    Task<void> read_body();
    Task<void> put_into_file(size_t payload);
    size_t decode(const Result<size_t>& got, std::span<char> room);
    void note_fault(Error error);
    uint64_t pause_ms() const;
    void finish(bool was_sent);
    void release(bool failed, bool reusable);

    void give_up() override;
    void client_departed() override;
    uint64_t since_start_us() const { return request_.worker->clock.now_us() - try_->started_us; }
    void log_receive_fault(Error error, std::string_view doing) const;
    void log(Level level, Error error, std::string_view what, std::string_view doing) const;

    Request& request_;
    const ExchangeRules& rules_;
    UpstreamProtocol* protocol_;  // null: there are no messages
    Where where_;
    PeerChoice choice_;
    const ringx::Peer* peer_ = nullptr;  // who answered
    UpstreamTries& tries_;
    UpstreamTry* try_ = nullptr;
    uint64_t started_ms_;
    uint32_t tries_left_;
    RetryBudget* budget_ = nullptr;  // of the group in this worker; null: there is none

    std::unique_ptr<UpstreamConnection> connection_;
    PeerWait* waiting_ = nullptr;  // for a peer with room
    std::optional<uint64_t> queue_us_;
    Wait* connecting_ = nullptr;
    UpstreamHandshake* securing_ = nullptr;
    bool was_idle_ = false;        // the connection had served another request before

    UpstreamProtocol::Body body_;  // of the request
    std::string out_;              // of it, what has to be sent first
    Task<void> sender_;
    Error send_error_{};
    Error client_error_{};         // why the client's body could not be read
    bool has_sent_ = false;        // anything of a request
    bool body_is_spent_ = false;   // it was sent as it came, and cannot be sent again

    UpstreamHead head_;
    std::string text_;             // what was received so far, where it is more than a lease
    Lease lease_;
    uint32_t head_bytes_ = 0;
    uint32_t interim_heads_ = 0;
    std::string_view ready_;       // payload that came with the head
    BodyStore store_;
    SplicePipes::Taken pipe_{nullptr, {}};  // what it holds comes before what is in the store
    Task<void> reader_;
    Signal data_, room_;
    uint64_t rate_ = 0;
    uint64_t reading_since_ms_ = 0;
    struct Pause final : Timer {
        explicit Pause(Signal& its_end) : end(its_end) {}
        void expire() override { end.set(); }
        Signal& end;
    } pause_{room_};
    bool has_failed_ = false;      // the response broke off
    bool buffers_;
    bool reads_ahead_ = false;
    bool is_asked_ = false;        // somebody waits for more of it
    bool moves_ = false;           // what is left of the body need not pass through memory
    bool is_over_ = false;         // of the response: nothing more is read
    bool given_up_ = false;
};

}  // namespace ringx::http

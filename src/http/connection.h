// http/connection.h - one HTTP/1.x conversation with a client, request after request.
//
// The fast path is plain code: received() parses what has come, and as long as answers need no waiting they are
// formatted one after the other and leave in one send. Only when something has to be waited for (a cold file, a full
// socket, a body) serve_slowly() takes over, a coroutine with a frame of its own, which ends when the client may speak
// again. So an idle connection is this object and a small frame: no request, no buffer, no output. Bytes of the client
// stay in the lease they came in, and requests point into it; when half of the pool is in use they are copied first,
// so that slow requests never hold all of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/list.h"
#include "event/task.h"
#include "event/wait.h"
#include "http/h1_parser.h"
#include "http/module.h"
#include "http/request_body.h"
#include "net/named_certificate.h"
#include "net/stream.h"
#include "net/tls.h"

namespace ringx::http {

class HttpServer;
class Output;
struct ListenSlot;
struct NamedCertificates;

class Connection : public ListNode {
 public:
    // What comes next.
    enum class Turn : uint8_t {
        listen,  // wait for the client
        slow,    // serve_slowly()
        tunnel,  // run_tunnel()
        close,
    };

    Connection(HttpServer& server, int socket, ListenSlot& listen);
    ~Connection();

    // What is done before the first request; the server's handshake, where the address has one.
    bool begins_with_tls() const;
    Task<Turn> begin_tls();
    // Awaitable: waits for what the client sends next, as long as it may take for it, takes it in and answers all it
    // can.
    struct Listen {
        Connection& connection;
        Receiver::Next next;
        bool await_ready() { return next.await_ready(); }
        void await_suspend(std::coroutine_handle<> waiter) { next.await_suspend(waiter); }
        Turn await_resume() { return connection.received(next.await_resume()); }
    };
    Listen listen() { return {*this, stream_.receiver().next(patience_ms())}; }
    Task<Turn> serve_slowly();
    // Ends it, after the tunnel it may have become.
    Task<void> leave(Turn turn);

    // The server is leaving: an idle connection ends at once, a busy one after its answer.
    void drain();
    // Ends it wherever it is.
    void end();

    Loop& loop() const;

    // For RequestBody: what has come and was not used yet; valid until the next await.
    std::string_view pending() const;
    void consume(size_t bytes) {
        consumed_ += static_cast<uint32_t>(bytes);
        request_->received_bytes += bytes;
    }
    // Waits for more of a body.
    Task<Result<>> receive_more();
    void interrupt_receive() { stream_.receiver().interrupt(); }
    uint64_t body_bytes_max() const;  // 0: no limit
    // Sends 100, after what was answered before.
    void send_continue();
    void tell_stall();

 private:
    // Reading.
    Turn received(Result<Lease> got);
    void hold(Lease lease);
    void leave_head_to_request();
    void keep_partial_head();
    void read_head_again();
    Turn serve_pending();
    Turn finish_batch();
    Turn no_request(Error error);
    std::string_view read_unfinished_head();
    uint64_t patience_ms() const;
    uint64_t proxy_header_patience_ms() const;
    bool read_proxy_header();
    void hold_generation();
    void begin_request();
    bool route();
    void enter_server(const VirtualServer& server);
    bool read_path();

    // Answering.
    Turn process(const Progress& head);
    Answer answer_routed();
    Answer answer_pathless();
    Answer refuse_method();
    Answer answer_connect();
    Turn refuse(const Progress& head);
    Turn respond(Answer& answer);
    bool start_response(Response&& response);
    void set_nodelay(bool on);
    bool may_keep_alive() const;
    void open_body();
    uint16_t body_refusal(const Answer& answer);
    Turn after_response();
    void set_patience();
    Turn flush();
    void drop(Output& output);
    void finish_request();
    void log_answered();

    // TLS.
    Task<bool> shake_hands(std::string_view server_name, uint64_t until_ms);
    Task<void> show_named_certificates(Tls& tls, const VirtualServer& server);
    std::vector<CertificateNames> name_certificates(const VirtualServer& server, std::string_view greeted);
    Task<ClientFault> check_client(Tls& tls, uint64_t until_ms);
    void settle(Tls& tls);
    Task<Result<Tls::Progress>> go_on_with_handshake(Tls& tls, uint64_t until_ms);
    bool needs_tls() const;
    uint16_t tls_refusal() const;
    Task<void> close_tls();

    // Waiting.
    RequestMetrics* begin_waiting();
    void end_waiting(RequestMetrics* zone);
    Task<bool> await_answer();
    void leave_request();
    Task<bool> send_output(Output& output, Follows after = Follows::nothing);
    Task<bool> send_paced(Output& output);
    Task<bool> send_source(Output& output);
    Task<bool> move_source(BodySource& source);
    Task<Result<>> wait_writable();
    struct BodyDrain;
    bool may_drain_body() const;
    bool drain_body();
    Task<Result<>> read_ahead(Output& output);
    Task<bool> discard_body();
    Task<void> run_tunnel();
    Task<void> await_last_words();
    Task<bool> linger();
    void report_send_error(const Output& output) const;
    void log_send_error(Error error) const;

    // For logs and limits.
    const Request* current() const;
    const CoreSettings& current_core() const;
    std::string_view sending() const;
    bool has_unsent(const Output& output) const;
    void log_proxy_fault(std::string_view fault) const;
    void log_current(Level level, Error error, std::string_view what, std::string_view doing) const;
    void log_leaving(Error error) const;
    std::string_view fault_of_tls(Error error) const;
    void log_handshake_end(Error error) const;
    const Log& handshake_log() const;
    LogContext handshake_context() const;
    void log_handshake(Error error, std::string_view what) const;

    HttpServer& server_;
    ListenSlot& listen_;
    Stream stream_;
    Peer peer_;
    H1Parser parser_;
    uint32_t consumed_ = 0;         // of the lease or the input
    uint32_t idle_limit_ms_;        // how long the client may stay silent between requests, or while lingering
    uint32_t idle_least_ms_;        // for how long a leaving server still waits for its next request
    uint32_t linger_ms_ = 0;        // how long its bytes are still read when the connection closes; 0: not at all
    bool nodelay_ = true;           // the listening socket's
    bool closing_ = false;          // after what is being answered
    bool reset_ = false;            // the close is to be a reset
    bool gave_up_ = false;          // sending: what TLS still holds is lost, and the end is not announced
    bool awaits_proxy_header_;      // and its first request behind it
    bool ended_ = false;            // end() was called: nothing is waited for any more
    bool head_only_ = false;        // the body of the current answer is not sent
    Lease lease_;
    std::unique_ptr<std::string> input_;  // instead of a lease: a head that is not complete, or copied bytes
    Request* request_ = nullptr;    // being read or answered
    Request* answered_ = nullptr;   // formatted, not yet sent and logged: a list
    Wait* waiting_ = nullptr;       // an operation that end() has to cancel
    Tunnel* tunnel_ = nullptr;      // what it has become
    Output* ahead_ = nullptr;       // holds answers that precede whatever is sent for the current request
};

// Serves an accepted socket until either side ends it.
Conversation converse(HttpServer& server, int socket, ListenSlot& listen);

}  // namespace ringx::http

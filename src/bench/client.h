// bench/client.h - one of the connections: asks, reads the answers, asks again, and opens a new socket when it has to.
//
// All of it is one coroutine that one reads downward. What is to be asked is planned first: each request has a time its
// latency counts from, which is that of asking, or, in an open loop, when it was due. Requests of a batch are sent
// together; when all are answered comes the next.
// A server may end a connection after any answer, when it says so; requests behind that one are asked again on the next
// connection (RFC 9112 section 9.3.2). Any other end is a failure of all that were not answered.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/list.h"
#include "bench/response_reader.h"
#include "bench/tally.h"
#include "event/task.h"
#include "event/wait.h"
#include "net/tls_connect.h"
#include "net/upstream_connection.h"

namespace ringx::bench {

class Worker;

class Client : public ListNode {
 public:
    // `requests`: how many it makes, in a closed loop; 0: as many as there is time for.
    Client(Worker& worker, uint64_t requests);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    Conversation run();

    // It is its turn: goes on from where it waits among the idle.
    void resume() { std::exchange(idle_, nullptr).resume(); }
    // The run is over, and it is not waited for any longer.
    void interrupt();

 private:
    // Among the idle, until there is something to do or the run ends.
    struct Turn {
        Client& client;
        bool await_ready() const;
        void await_suspend(std::coroutine_handle<> waiter);
        void await_resume() const {}
    };

    bool plan();
    bool is_over() const;
    uint64_t left_ms() const;

    Task<bool> open();
    Task<bool> secure();
    Task<> close();
    void drop_first(Failure why, std::string_view example);

    Task<> converse();
    void send_batch();
    int push();
    Task<> push_rest(int error);
    Task<> end_push();

    void receive(Result<Lease>& got);
    void stream_ended();
    void take(std::string_view bytes);
    void note_answer();
    void fail_rest(Failure why, std::string_view example);

    Worker& worker_;
    Tally& tally_;
    ResponseReader reader_;
    std::unique_ptr<UpstreamConnection> connection_;
    std::coroutine_handle<> idle_;
    // What it waits for besides the receiver, so that it can be interrupted.
    Wait* connecting_ = nullptr;
    TlsConnect* securing_ = nullptr;
    Sleep* pausing_ = nullptr;

    std::vector<uint64_t> due_;   // what is planned: since when its latency counts
    size_t target_ = 0;           // of the first of them
    size_t sent_ = 0;             // so many of them are on their way,
    size_t answered_ = 0;         // of which so many were answered
    std::string_view unsent_;     // of their bytes
    Task<> sending_;              // when the socket did not take all at once
    Error send_error_;
    uint64_t left_ = 0;           // requests still to be made; only when they are counted
    uint64_t now_us_ = 0;
    uint64_t sent_us_ = 0;
    uint64_t sent_ms_ = 0;
    uint64_t pause_ms_ = 0;
    const bool is_counted_;
    bool is_spent_ = false;       // the connection is of no more use
    bool server_closes_ = false;  // it was the server that said so
    bool interrupted_ = false;
};

}  // namespace ringx::bench

// net/relay.h - two streams are joined: what comes from one goes to the other, until both have ended or neither speaks.
//
// Each direction is a coroutine of its own and is slowed down by whoever takes its bytes. When one side says that no
// more will come, the other is told so, and the opposite direction goes on for as long as it is busy. An idle relay
// holds no buffer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "event/task.h"
#include "net/stream.h"

namespace ringx {

// For how long a side may take nothing of what is there for it.
struct SendLimits {
    uint64_t client_ms = no_limit;
    uint64_t server_ms = no_limit;
};

class Relay : private Timer {
 public:
    // The streams outlive it, and are used by nobody else meanwhile.
    Relay(Loop& loop, Stream& client, Stream& server, uint64_t idle_limit_ms, SendLimits limits = {})
        : loop_(loop),
          client_{client, server, limits.server_ms},
          server_{server, client, limits.client_ms},
          idle_limit_ms_(idle_limit_ms) {}

    // What ended it: nothing; the fault of a side; ETIMEDOUT: neither has spoken for too long, or one takes nothing;
    // ECANCELED. These bytes have come already.
    Task<Result<>> run(std::string_view of_client, std::string_view of_server);
    void cancel();

    // For so long who has been told of an end may be silent: usually it ends, too.
    static constexpr uint64_t end_limit_ms = 5000;

    // The client was it who has taken nothing for too long.
    bool client_has_stalled() const { return server_.has_stalled; }
    uint64_t from_client() const { return client_.bytes; }
    uint64_t from_server() const { return server_.bytes; }

 private:
    struct Direction {
        Stream& from;
        Stream& to;
        uint64_t send_limit_ms;
        uint64_t bytes = 0;
        Wait* waiting = nullptr;  // until `to` takes more
        bool has_stalled = false;
    };

    Task<void> carry(Direction& direction, std::string_view first);
    Task<Result<>> send(Direction& direction, std::string_view bytes);
    void note_activity() {
        loop_.set_timer(*this, one_has_ended_ ? std::min(idle_limit_ms_, end_limit_ms) : idle_limit_ms_);
    }
    void stop(Error error);
    void expire() override { stop({"recv", ETIMEDOUT}); }

    Loop& loop_;
    Direction client_;
    Direction server_;
    uint64_t idle_limit_ms_;
    Error error_{};  // why it was stopped
    bool one_has_ended_ = false;
    bool stopped_ = false;
};

}  // namespace ringx

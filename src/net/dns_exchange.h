// net/dns_exchange.h - one question to one name server: by datagram, and over TCP where the answer was truncated.
//
// Each question has a random id and a socket of its own, and so a random port, and the socket is connected: only the
// server's own datagrams arrive. Those that are no answer to the question are passed over, a bounded number of them, as
// somebody may be guessing.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "event/task.h"
#include "event/wait.h"
#include "net/dns_message.h"

namespace ringx {

class DnsExchange {
 public:
    explicit DnsExchange(Loop& loop) : loop_(loop) {}
    DnsExchange(const DnsExchange&) = delete;
    DnsExchange& operator=(const DnsExchange&) = delete;

    // What the server answers, whatever the code; ETIMEDOUT, or another error when it cannot be reached or talks
    // nonsense. One at a time.
    // REQUIRES: `server` outlives it.
    Task<Result<DnsAnswer>> ask(const Address& server, DnsType type, std::string name, uint64_t limit_ms);

    // Ends it early, and whatever is asked afterwards, with ECANCELED.
    void cancel() {
        cancelled_ = true;
        if (waiting_ != nullptr) waiting_->cancel();
    }

 private:
    uint64_t left_ms() const;
    Task<Result<DnsAnswer>> ask_by_datagram(const Address& server);
    Task<Result<DnsAnswer>> receive_answer(int socket);
    Task<Result<DnsAnswer>> ask_by_stream(const Address& server);
    Task<Result<>> converse(int socket, const Address& server);
    Task<Result<>> receive(int socket, std::string& into);
    Task<Result<int>> wait_for(Wait& wait);

    Loop& loop_;
    DnsQuestion question_;
    std::string received_;    // over TCP
    uint64_t until_ms_ = 0;
    Wait* waiting_ = nullptr;
    bool cancelled_ = false;
};

}  // namespace ringx

// net/tls_connect.h - the handshake with an upstream server, over a stream that is connected.
//
// It lives in the frame of whoever awaits it. When it is done the stream is secure; when not, the connection is worth
// nothing any more. The first bytes a server sends belong to the handshake: nothing was read from the stream before.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "event/loop.h"
#include "event/task.h"
#include "event/wait.h"
#include "net/stream.h"
#include "net/tls_client.h"

namespace ringx {

// Why there is no secure stream.
struct TlsFault {
    Error error;           // of the network; ETIMEDOUT: it took too long; ECANCELED: cancel(); number 0: none
    std::string sentence;  // in nginx's words
    bool is_ours = false;  // not the server's, nor the network's: our certificate could not be had
};

class TlsConnect {
 public:
    TlsConnect(Loop& loop, Stream& stream) : loop_(loop), stream_(stream) {}
    TlsConnect(const TlsConnect&) = delete;
    TlsConnect& operator=(const TlsConnect&) = delete;

    using Outcome = std::expected<void, TlsFault>;
    Task<Outcome> run(std::unique_ptr<TlsClient> tls, uint64_t limit_ms);

    // Ends it early. The stream's receiver is ended by its owner.
    void cancel();

 private:
    using Progress = TlsClient::Progress;

    Task<Result<>> shake_hands(TlsClient& tls);
    Task<Result<>> push(TlsClient& tls);
    uint64_t left_ms() const;

    Loop& loop_;
    Stream& stream_;
    Wait* waiting_ = nullptr;
    uint64_t until_ms_ = 0;
    Progress progress_ = Progress::hungry;
    bool cancelled_ = false;
};

}  // namespace ringx

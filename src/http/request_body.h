// http/request_body.h - the body of a request, read as it comes.
//
// Nobody has to read a body: the connection discards what is left of it after the answer. Whoever reads sees decoded
// bytes; the limit client_max_body_size holds for chunked bodies too, whose length nobody announced.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "event/task.h"
#include "http/chunked.h"
#include "http/head.h"

namespace ringx::http {

class Connection;

class RequestBody {
 public:
    // REQUIRES: the head says there is a body. `bytes_max` 0: no limit.
    RequestBody(Connection& connection, const RequestHead& head, uint64_t bytes_max);

    // The next bytes, valid until the next call; empty at the end. Errors: ETIMEDOUT, ECONNRESET (the client left
    // before the end), EBADMSG (malformed chunks: 400), EMSGSIZE (larger than allowed: 413), ECANCELED. After an error
    // every call gives the same one.
    Task<Result<std::string_view>> next();

    // Passes over bytes that are already here. True when that was all of the body.
    bool skip_received();

    bool ended() const { return ended_; }
    // Why a chunked body was refused, for the log.
    const char* reason() const { return reason_; }

 private:
    // Decodes what is here: some payload, or nothing when all was framing.
    Result<std::string_view> decode();
    Result<std::string_view> count(std::string_view data);
    std::unexpected<Error> give_up(Error error);

    Connection& connection_;
    ChunkedDecoder chunks_;
    uint64_t left_ = 0;   // with a length: bytes still to come
    uint64_t bytes_ = 0;  // payload so far
    uint64_t bytes_max_;
    bool chunked_;
    bool expects_continue_;
    bool ended_ = false;
    Error error_;  // number 0: none
    const char* reason_ = "";
};

}  // namespace ringx::http

// http/request_body.h - the body of a request, read as it comes.
//
// Nobody has to read a body: the connection discards what is left of it after the answer. Whoever reads sees decoded
// bytes; the limit client_max_body_size of the location holds for chunked bodies too, whose length nobody announced.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "event/task.h"
#include "http/chunked.h"
#include "http/head.h"

namespace ringx::http {

class Connection;
class Request;

class RequestBody {
 public:
    // REQUIRES: the head says there is a body.
    RequestBody(Connection& connection, const RequestHead& head);

    // The next bytes, valid until the next call; empty at the end. Errors: ETIMEDOUT, ECONNRESET (the client left
    // before the end), EBADMSG (malformed chunks: 400), EMSGSIZE (larger than allowed: 413), ECANCELED. After an error
    // every call gives the same one.
    Task<Result<std::string_view>> next();

    // Passes over bytes that are already here. True when that was all of the body.
    bool skip_received();

    bool ended() const { return ended_; }
    // More of it may be on its way.
    bool may_go_on() const { return !ended_ && (error_.number == 0 || refusal() != 0); }
    // What a body that failed by its own fault is answered with: 400, 413; 0 if it did not.
    uint16_t refusal() const { return error_.number == EBADMSG ? 400 : error_.number == EMSGSIZE ? 413 : 0; }
    // Says why.
    void log_refusal(const Request& request) const;

 private:
    // Decodes what is here: some payload, or nothing when all was framing.
    Result<std::string_view> decode();
    Result<std::string_view> count(std::string_view data);
    std::unexpected<Error> give_up(Error error);

    Connection& connection_;
    ChunkedDecoder chunks_;
    uint64_t left_ = 0;   // with a length: bytes still to come
    uint64_t bytes_ = 0;  // payload so far
    bool chunked_;
    bool expects_continue_;
    bool ended_ = false;
    Error error_;  // number 0: none
    const char* reason_ = "";
};

}  // namespace ringx::http

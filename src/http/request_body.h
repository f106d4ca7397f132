// http/request_body.h - the body of a request, read as it comes.
//
// Nobody has to read a body: the connection discards what is left of it after the answer. Whoever reads sees decoded
// bytes; the limit client_max_body_size of the location holds for chunked bodies too, whose length nobody announced.
//
// There are two ways. next() gives the bytes as they come. hold() reads the whole body first, into memory, and into a
// temporary file when it is larger than client_body_buffer_size; next() then gives what is held, from the beginning
// again after rewind(). The file is written by the engine. What is held may be shared with a subrequest, which may
// outlive the request, and reads it on its own.
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "event/loop.h"
#include "event/task.h"
#include "http/chunked.h"
#include "http/head.h"
#include "http/temp_file.h"

namespace ringx::http {

class Connection;
class Request;

// A body that was read whole: in memory, or in a file.
struct HeldBody {
    std::string memory;
    TempFile file;
    uint64_t file_bytes = 0;
};

class RequestBody {
 public:
    // REQUIRES: the head says there is a body.
    RequestBody(Connection& connection, const RequestHead& head);
    // The same body once more. REQUIRES: it is held.
    RequestBody(Loop& loop, const RequestBody& held);

    // The next bytes, valid until the next call; empty at the end. Errors: ETIMEDOUT, ECONNRESET (the client left
    // before the end), EBADMSG (malformed chunks: 400), EMSGSIZE (larger than allowed: 413), ECANCELED. After an error
    // other than the last every call gives the same one.
    Task<Result<std::string_view>> next();

    // Who waits in next() goes on with ECANCELED; later calls go on with the body.
    void interrupt();

    // Reads the whole body and holds it until the request ends. Errors, which were logged: those of next(), and those
    // of the file. REQUIRES: nothing of it was read yet.
    Task<Result<>> hold(Request& request);
    bool is_held() const { return is_held_; }
    bool may_be_held() const { return !is_held_ && bytes_ == 0; }
    void rewind() { given_ = 0; }
    // Of a held body: all of it, when it is in memory, or the file it is in.
    std::optional<std::string_view> memory() const;
    const TempFile* file() const { return held_ != nullptr && held_->file ? &held_->file : nullptr; }
    // The payload that has come so far; of a held body all.
    uint64_t size() const { return bytes_; }

    // The status for a request whose body could not be read.
    static uint16_t status_of(Error error);

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
    Task<Result<>> take_all(Request& request);
    Task<Result<>> spill(Request& request);
    Task<Result<std::string_view>> next_held();

    // Decodes what is here: some payload, or nothing when all was framing.
    Result<std::string_view> decode();
    Result<std::string_view> count(std::string_view data);
    std::unexpected<Error> give_up(Error error);

    Loop& loop_;
    Connection* connection_;  // null: the body is another's, who has read it
    ChunkedDecoder chunks_;
    uint64_t left_ = 0;   // with a length: bytes still to come
    uint64_t bytes_ = 0;  // payload so far
    bool chunked_;
    bool expects_continue_;
    bool ended_ = false;
    Error error_;  // number 0: none
    const char* reason_ = "";

    bool is_held_ = false;
    std::shared_ptr<HeldBody> held_;  // as long as it is being read, `memory` is what the file does not have yet
    std::string buffer_;              // what was read from the file
    uint64_t given_ = 0;              // by next() of what is held
};

}  // namespace ringx::http

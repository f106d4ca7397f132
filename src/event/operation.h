// event/operation.h - one thing asked of the kernel, and how its outcome comes back.
//
// An operation is described by its fields, started with Engine::start and answered by one call of complete() from the
// loop, never from within start(). Multishot kinds are answered many times; the answer without `more` is the last. The
// kernel (or the engine in its place) holds the operation's address from start to the last answer: until then it is
// neither moved nor destroyed, and the memory it names stays. Destroying one in flight is a CHECK failure. To stop one
// early, cancel it and wait for its last answer: it comes with -ECANCELED, or with what was done before.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cstdint>

#include "base/check.h"
#include "base/list.h"

struct open_how;

namespace ringx {

// What became of an operation: `result` as the system call would have returned it, or a negative errno.
struct Outcome {
    int result;
    bool more = false;    // multishot: further answers will come
    int32_t buffer = -1;  // receive: the number of the pool's buffer the bytes are in, or -1
};

class Operation : public ListNode {
 public:
    enum class Kind : uint8_t {
        accept,        // fd: listening socket. Result: a new connected socket, non-blocking, close-on-exec
        accept_many,   // the same, again and again
        receive,       // fd: socket. Result: bytes put into a buffer of the pool; 0 at the end of the stream. While the
                       // pool has no buffer, the engine parks it
        receive_many,  // the same from a stream, again and again
        receive_into,  // fd, data, bytes: received into the caller's memory; at least one byte, or 0 at the end
        send,          // fd, message: all of it. Result: bytes sent, fewer only when the connection failed midway
        poll,          // fd, events: POLLIN or POLLOUT. Result: the events. The caller has just met EAGAIN
        connect,       // fd, address, bytes. Result: 0
        open,          // fd: directory, path, how: openat2(2). Result: descriptor
        read,          // fd: regular file, data, bytes, offset. Result: bytes read, 0 at the end of the file. Whoever
                       // expects them in the page cache tries preadv2(RWF_NOWAIT) first: this may go to a thread
        write,         // fd, data, bytes, offset (or -1 for the file's own position). Result: bytes written
    };

    Operation() = default;
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    virtual ~Operation() { CHECK(!in_flight_); }

    bool in_flight() const { return in_flight_; }

    Kind kind = Kind::poll;
    int fd = -1;
    union {
        short events;            // poll
        const msghdr* message;   // send: header and iovecs stay untouched by the caller until the answer
        void* data;              // receive_into, read, write
        const char* path;        // open
        const sockaddr* address; // connect
    };
    union {
        uint64_t offset;       // read, write
        const open_how* how;   // open
        uint64_t done = 0;     // the engines' own: bytes of a send so far
    };
    uint32_t bytes = 0;  // receive_into, read, write, connect

 protected:
    // Called by the loop with the answer. May start further operations, this one too once it is not in flight, and may
    // destroy it then.
    virtual void complete(Outcome outcome) = 0;

 private:
    friend class Engine;

    bool in_flight_ = false;
    bool cancelled_ = false;  // epoll and scripted: cancel was asked
};

}  // namespace ringx

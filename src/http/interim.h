// http/interim.h - what a client is told before its answer: heads with a status of 1xx (RFC 9110 section 15.2).
//
// They are hints, and nothing waits for them to leave: what the connection does not take at once goes before the
// answer. The seam is there for protocols that say the same in another form.
#pragma once

#include <string_view>

namespace ringx::http {

class InterimSender {
 public:
    // A whole head, as HTTP/1.1 writes it.
    virtual void send(std::string_view head) = 0;

 protected:
    ~InterimSender() = default;
};

}  // namespace ringx::http

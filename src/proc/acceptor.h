// proc/acceptor.h - taking new connections from one listening socket.
//
// A socket of this worker alone is accepted from again and again by one operation; one that workers share (a path) is
// asked for one connection at a time, since else the kernel would give all of them to the same worker. What the kernel
// has accepted but not delivered is lost when the operation's owner goes: so an acceptor is stopped, serves what still
// comes, and only then is idle. Out of descriptors it pauses; it never gives up.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/log.h"
#include "event/loop.h"
#include "net/listener.h"

namespace ringx::proc {

class Acceptor final : public Operation, private Timer {
 public:
    // Where connections go.
    class Sink {
     public:
        virtual void accepted(Fd socket, const std::string& key) = 0;
        virtual const Log& log() const = 0;

     protected:
        ~Sink() = default;
    };

    Acceptor(Loop& loop, const Listen& listen, Fd socket, Sink& sink);
    ~Acceptor() override;

    const std::string& key() const { return key_; }

    void start();
    // Connections still come until it is idle.
    void stop();
    bool idle() const { return !wanted_ && !in_flight(); }

    // Accepts everything that waits in the socket's queue, at once. REQUIRES: idle.
    void take_queue();

 private:
    void arm();
    void complete(Outcome outcome) override;
    void expire() override;
    void failed(int error);

    Loop& loop_;
    Sink& sink_;
    std::string key_;
    Fd socket_;
    bool wanted_ = false;
    bool pausing_ = false;
    uint64_t pause_ms_ = 0;
};

}  // namespace ringx::proc

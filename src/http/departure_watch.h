// http/departure_watch.h - notices that a client leaves while its answer, or more of it, is waited for.
//
// Whoever works for the request is told as soon as the client's side has ended: what is not wanted any more need not
// be finished. It lives in the frame of who waits.
#pragma once

#include "event/wait.h"
#include "http/activity.h"
#include "http/request.h"

namespace ringx::http {

class DepartureWatch : private Deferred {
 public:
    DepartureWatch(Receiver& receiver, Request& request) : receiver_(receiver), request_(request) {
        receiver_.watch_end(this);
    }
    ~DepartureWatch() override { receiver_.watch_end(nullptr); }

 private:
    void run() override {
        if (request_.activities == nullptr) return;
        request_.log().write(Level::info, request_.log_context(), "client prematurely closed connection");
        Activity::client_departed_all(request_);
    }

    Receiver& receiver_;
    Request& request_;
};

}  // namespace ringx::http

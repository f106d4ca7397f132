// http/activity.h - what goes on, or is waited for, on behalf of a request beside its own way.
//
// A request has a list of them. Each is told when nobody waits for the answer any more, and is ended before the
// request's memory goes. What outlives the request is in its connection's list (http/background).
#pragma once

#include "event/task.h"

namespace ringx::http {

class Request;

class Activity {
 public:
    explicit Activity(Request& request);
    // REQUIRES: the list outlives it.
    explicit Activity(Activity*& list) : list_(list), next_(list) { list = this; }
    Activity(const Activity&) = delete;
    Activity& operator=(const Activity&) = delete;
    virtual ~Activity();

    // What is waited for is to end soon: the worker ends, or nobody is there to be answered.
    virtual void give_up() = 0;
    // The client has left.
    virtual void client_departed() { give_up(); }
    // Ends what goes on.
    virtual Task<void> end() { co_return; }

    // For each of the request's.
    static void give_up_all(Request& request);
    static void give_up_all(Activity* list);
    static void client_departed_all(Request& request);
    static Task<void> end_all(Request& request);

 protected:
    // Nothing goes on any more.
    void leave();

 private:
    static void tell_all(Activity* list, void (Activity::*what)());

    Activity*& list_;
    Activity* next_;
};

}  // namespace ringx::http

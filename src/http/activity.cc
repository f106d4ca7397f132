#include "http/activity.h"

#include "http/request.h"

namespace ringx::http {

Activity::Activity(Request& request) : request_(request), next_(request.activities) { request.activities = this; }

Activity::~Activity() {
    Activity** place = &request_.activities;
    while (*place != nullptr && *place != this) place = &(*place)->next_;
    if (*place == this) *place = next_;
}

void Activity::tell_all(Request& request, void (Activity::*what)()) {
    for (Activity* at = request.activities; at != nullptr;) {
        Activity* next = at->next_;
        (at->*what)();
        at = next;
    }
}

void Activity::give_up_all(Request& request) { tell_all(request, &Activity::give_up); }

void Activity::client_departed_all(Request& request) { tell_all(request, &Activity::client_departed); }

Task<void> Activity::end_all(Request& request) {
    for (Activity* at = request.activities; at != nullptr; at = at->next_) co_await at->end();
}

}  // namespace ringx::http

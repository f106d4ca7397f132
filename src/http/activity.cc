#include "http/activity.h"

#include "http/request.h"

namespace ringx::http {

Activity::Activity(Request& request) : Activity(request.activities) {}

Activity::~Activity() { leave(); }

void Activity::leave() {
    Activity** place = &list_;
    while (*place != nullptr && *place != this) place = &(*place)->next_;
    if (*place == this) *place = next_;
}

void Activity::tell_all(Activity* list, void (Activity::*what)()) {
    for (Activity* at = list; at != nullptr;) {
        Activity* next = at->next_;
        (at->*what)();
        at = next;
    }
}

void Activity::give_up_all(Request& request) { give_up_all(request.activities); }

void Activity::give_up_all(Activity* list) { tell_all(list, &Activity::give_up); }

void Activity::client_departed_all(Request& request) { tell_all(request.activities, &Activity::client_departed); }

Task<void> Activity::end_all(Request& request) {
    for (Activity* at = request.activities; at != nullptr; at = at->next_) co_await at->end();
}

}  // namespace ringx::http

// http/background.h - what goes on for a connection beside its requests, and may outlive them.
//
// The connection's object stays until all of it has ended, so that what is known of the client stays, too, and a worker
// that leaves waits for it; the client does not.
#pragma once

#include "event/signal.h"
#include "http/activity.h"
#include "net/address.h"

namespace ringx::http {

struct Background {
    Activity* activities = nullptr;
    Signal ended;   // one of them has, and is not in the list any more
    Address local;  // the connection's: its socket may be closed before all of it has ended
};

}  // namespace ringx::http

// http/delay.h - time passes on behalf of a request.
//
// Limits and refusals that are to be slow wait here. A client that leaves meanwhile ends the wait: nobody is there to
// be answered, and a crowd that comes and goes must not pile up. So does the end of the worker.
#pragma once

#include <cstdint>

#include "event/task.h"
#include "http/request.h"

namespace ringx::http {

// What a request is answered with whose client has left: it is logged, and nothing is sent.
inline constexpr uint16_t client_left = 499;

// Waits. True when the time has passed; false when the client left: then the answer is `client_left`.
Task<bool> delay(Request& request, uint64_t milliseconds);

}  // namespace ringx::http

#include "http/delay.h"

#include "event/wait.h"

namespace ringx::http {

Task<bool> delay(Request& request, uint64_t milliseconds) {
    Sleep pause(request.worker->loop, milliseconds);
    request.pause = &pause;
    bool passed = co_await pause;
    request.pause = nullptr;
    co_return passed;
}

}  // namespace ringx::http

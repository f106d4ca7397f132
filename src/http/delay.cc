#include "http/delay.h"

#include "event/wait.h"
#include "http/activity.h"

namespace ringx::http {
namespace {

class Pause : private Activity {
 public:
    Pause(Request& request, uint64_t milliseconds)
        : Activity(request), time(request.worker->loop, milliseconds) {}
    Sleep time;

 private:
    void give_up() override { time.cancel(); }
};

}  // namespace

Task<bool> delay(Request& request, uint64_t milliseconds) {
    Pause pause(request, milliseconds);
    bool passed = co_await pause.time;
    co_return passed;
}

}  // namespace ringx::http

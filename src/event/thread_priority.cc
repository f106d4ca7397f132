#include "event/thread_priority.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace ringx {
namespace {

using std::chrono::nanoseconds;

// As the kernel knows it; its own header cannot be included beside <sched.h>, and C libraries had none before 2025.
struct Attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;  // nanoseconds: under the fair scheduler the time slice, from Linux 6.12 on, and nothing before
    uint64_t deadline;
    uint64_t period;
};

// The limits of a time slice.
constexpr nanoseconds shortest_slice = std::chrono::microseconds(100);
constexpr nanoseconds longest_slice = std::chrono::milliseconds(100);
constexpr int niceness = 10;  // of who stands back, beside the others
constexpr int niceness_max = 19;

void change(nanoseconds slice, int nicer) {
    Attributes attributes{};
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
    if (attributes.policy != SCHED_OTHER) return;  // somebody knows better
    attributes.runtime = static_cast<uint64_t>(slice.count());
    attributes.nice = std::min(attributes.nice + nicer, niceness_max);
    syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

void go_first() { change(shortest_slice, 0); }

void stand_back() { change(longest_slice, niceness); }

}  // namespace ringx

#include "bench/pacer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

namespace ringx::bench {

Pacer::~Pacer() {
    if (fd >= 0) loop_.engine().close(fd);
}

Result<> Pacer::open() {
    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) return fail("timerfd_create");
    kind = Kind::poll;
    events = POLLIN;
    return {};
}

void Pacer::wake_at(uint64_t at_us) {
    if (in_flight()) return;
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(at_us / 1'000'000);
    when.it_value.tv_nsec = static_cast<long>(std::max<uint64_t>(at_us % 1'000'000 * 1000, 1));  // 0 would disarm it
    int set = timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, nullptr);
    CHECK(set == 0);
    loop_.engine().start(*this);
}

void Pacer::end() { loop_.engine().cancel(*this); }

void Pacer::complete(Outcome outcome) {
    if (outcome.result < 0) return;
    uint64_t expirations;
    [[maybe_unused]] ssize_t got = read(fd, &expirations, sizeof expirations);
    wake_(context_);
}

}  // namespace ringx::bench

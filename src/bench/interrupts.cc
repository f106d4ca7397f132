#include "bench/interrupts.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/check.h"

namespace ringx::bench {

Interrupts::Interrupts() {
    sigset_t signals;
    sigemptyset(&signals);
    for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    fd_.reset(signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
    CHECK(fd_);
}

bool Interrupts::take() {
    signalfd_siginfo signal;
    bool came = read(fd_.get(), &signal, sizeof signal) == sizeof signal;
    any_ = any_ || came;
    return came;
}

}  // namespace ringx::bench

#include "proc/signals.h"

#include <signal.h>
#include <unistd.h>

namespace ringx::proc {

Result<> SignalReader::open(std::initializer_list<int> numbers) {
    sigset_t set;
    sigemptyset(&set);
    for (int number : numbers) sigaddset(&set, number);
    if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return fail("sigprocmask");
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    for (int number : {SIGPIPE, SIGSYS}) {
        if (sigaction(number, &ignore, nullptr) != 0) return fail("sigaction");
    }
    fd_.reset(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!fd_) return fail("signalfd");
    return {};
}

std::optional<ReceivedSignal> SignalReader::read() {
    signalfd_siginfo info;
    if (::read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
    return ReceivedSignal{static_cast<int>(info.ssi_signo), static_cast<pid_t>(info.ssi_pid)};
}

std::string_view signal_name(int number) {
    switch (number) {
        case SIGHUP: return "SIGHUP";
        case SIGINT: return "SIGINT";
        case SIGQUIT: return "SIGQUIT";
        case SIGTERM: return "SIGTERM";
        case SIGUSR1: return "SIGUSR1";
        case SIGUSR2: return "SIGUSR2";
        case SIGWINCH: return "SIGWINCH";
        case SIGCHLD: return "SIGCHLD";
        default: return "signal";
    }
}

}  // namespace ringx::proc

#include "proc/signal_sender.h"

#include <signal.h>
#include <unistd.h>

#include "proc/control.h"
#include "proc/pid_file.h"

namespace ringx::proc {

namespace {

int number_of(CommandLine::Signal signal) {
    switch (signal) {
        case CommandLine::Signal::stop: return SIGTERM;
        case CommandLine::Signal::quit: return SIGQUIT;
        case CommandLine::Signal::reload: return SIGHUP;
        default: return SIGUSR1;
    }
}

int send(pid_t master, int number, Journal& journal) {
    if (kill(master, number) == 0) return 0;
    journal.write(Level::alert, Error{"kill", errno}, "kill({}, {}) failed", master, number);
    return 1;
}

}  // namespace

int send_signal(CommandLine::Signal signal, const Generation& generation, Journal& journal) {
    bool reload = signal == CommandLine::Signal::reload;
    auto refuse = [&] {
        for (auto& mistake : generation.tree().mistakes()) journal.report(mistake);
        return 1;
    };
    // A configuration with mistakes may still say where the master is, who then finds them too and logs them.
    if (generation.failed() && !reload) return refuse();
    std::string pid_path(*core_settings.in(generation.tree().root()).pid);
    auto master = read_pid_file(pid_path);
    if (!master) {
        if (generation.failed()) return refuse();
        journal.write(Level::error, master.error().error, "{}", master.error().sentence);
        return 1;
    }
    if (!reload) return send(*master, number_of(signal), journal);
    if (auto answer = ask_for_reload(pid_path, *master)) {
        print(STDERR_FILENO, answer->text);
        return answer->good ? 0 : 1;
    }
    return generation.failed() ? refuse() : send(*master, SIGHUP, journal);
}

}  // namespace ringx::proc

#include "proc/master.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "build.h"
#include "base/process_metrics.h"
#include "proc/resources.h"
#include "proc/sealed_file.h"
#include "proc/worker.h"

namespace ringx::proc {

namespace {

using namespace std::chrono_literals;

// How long a worker told to end at once may take before it is told again, each time twice as long, and the longest of
// these before it is killed: it may wait a second for a log that nobody reads, and for its turn on a busy machine.
constexpr auto pressure_first = 50ms;
constexpr auto pressure_last = 4000ms;

Moment now() { return std::chrono::steady_clock::now(); }

// Follows the sender of a signal in the log.
std::string_view meaning(int signal, bool daemonized) {
    switch (signal) {
        case SIGTERM:
        case SIGINT: return ", exiting";
        case SIGQUIT: return ", shutting down";
        case SIGHUP: return ", reconfiguring";
        case SIGUSR1: return ", reopening logs";
        case SIGUSR2: return ", ignoring: the binary cannot be replaced while it runs";
        case SIGWINCH: return daemonized ? ", stopping accepting connections" : ", ignoring";
        default: return "";
    }
}

void introduce(Journal& journal, const std::string& compiler) {
    journal.write(Level::notice, "ringx/{}", RINGX_VERSION);
    journal.write(Level::notice, "built by {}", compiler);
    utsname system;
    if (uname(&system) == 0) journal.write(Level::notice, "OS: {} {}", system.sysname, system.release);
    rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        journal.write(Level::notice, "getrlimit(RLIMIT_NOFILE): {}:{}", limit.rlim_cur, limit.rlim_max);
    }
}

}  // namespace

Master::Master(Started started)
    : program_(started.program),
      title_(started.title),
      journal_(started.journal),
      pid_file_(started.pid_file),
      generation_(std::move(started.generation)),
      engine_(started.engine),
      sockets_(std::move(started.sockets)),
      daemon_(started.daemon),
      announce_(std::move(started.announce)),
      supervisor_(
          [this](unsigned number, Channel channel, Life life) { become_worker(number, std::move(channel), life); },
          lives_, journal_, log_thread_) {
    facts_.started_ms = facts_.generation_ms = facts_.last_reload_ms = wall_clock_ms();
}

int Master::run() {
    auto opened = signals_.open({SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH});
    if (!opened) {
        journal_.write(Level::emerg, opened.error(), "{}() failed", opened.error().call);
        return 1;
    }
    Metrics::Writer metrics = program_.metrics.claim();
    metrics.own_of_process<ProcessMetrics>("master").tell_self();
    use_log_thread(&log_thread_);
    title_.set("ringx: master process " + title_.arguments());
    introduce(journal_, RINGX_COMPILER);
    journal_.write(Level::notice, "start worker processes");
    rotate_ticket_keys();
    tell_state();
    supervisor_.keep(workers());
    while (!leaving() || !supervisor_.none_left()) {
        wait();
        while (auto signal = signals_.read()) obey(*signal);
        for (WorkerProcess& process : supervisor_.processes()) listen_to(process);
        for (Fd& client : control_.take_requests()) wishing_.push_back({.client = std::move(client)});
        if (!wishing_.empty()) begin_reload(std::exchange(wishing_, {}));
        if (!doubting_.empty()) check();
        supervisor_.start_due();
        if (press_at_ && *press_at_ <= now()) press();
        if (rotate_at_ && *rotate_at_ <= now()) rotate_ticket_keys();
        continue_start();
        continue_reload();
        if (supervisor_.hopeless()) give_up();
        tell_state();
    }
    sockets_.close_and_remove();
    pid_file_.remove();
    journal_.write(Level::notice, "exit");
    use_log_thread(nullptr);
    return exit_code_;
}

// A log that nobody reads keeps neither signals nor workers waiting.
void Master::use_log_thread(LogThread* thread) {
    for (auto& file : generation_->logs().all()) {
        if (file->fd() >= 0) file->use_thread(thread);
    }
}

void Master::rotate_ticket_keys() {
    rotate_at_.reset();
    auto life = generation_->ticket_life();
    if (life.count() > 0) rotate_at_ = program_.ticket_keys.rotate(now(), life);
}

// When every worker serves, the world is told. A worker that cannot start ends the start.
void Master::continue_start() {
    if (state_ != State::starting) return;
    if (supervisor_.any_cannot_start()) return give_up();
    if (!all_serve()) return;
    state_ = State::serving;
    tell_state();
    // Whoever finds the number may ask at once.
    if (!announce_([this] { open_control(std::string(*generation_->core().pid)); })) {
        exit_code_ = 1;
        return terminate();
    }
    begin_again();
}

void Master::give_up() {
    if (leaving()) return;
    journal_.write(Level::emerg, "the worker processes cannot run");
    exit_code_ = 1;
    terminate();
}

bool Master::all_serve() const {
    for (unsigned number = 0; number < workers(); ++number) {
        const WorkerProcess* process = supervisor_.find(number);
        if (process == nullptr || !process->serving || process->generation != generation_number_) return false;
    }
    return true;
}

// Its name comes from the pid file. Without it a reload is a signal, whose outcome is in the log only.
void Master::open_control(const std::string& pid_path) {
    control_.close();
    if (pid_path.empty()) return;
    auto opened = control_.open(pid_path);
    if (!opened) journal_.write(Level::notice, opened.error(), "no control socket: {}() failed", opened.error().call);
}

std::optional<Moment> Master::next_moment() const {
    std::optional<Moment> first = supervisor_.next_start();
    auto consider = [&first](Moment moment) {
        if (!first || moment < *first) first = moment;
    };
    if (press_at_) consider(*press_at_);
    if (reload_) consider(reload_->deadline);
    if (rotate_at_) consider(*rotate_at_);
    return first;
}

void Master::wait() {
    std::vector<pollfd> fds{{signals_.fd(), POLLIN, 0}};
    for (int fd : control_.fds()) fds.push_back({fd, POLLIN, 0});
    for (WorkerProcess& process : supervisor_.processes()) {
        if (process.channel) fds.push_back({process.channel.fd(), POLLIN, 0});
    }
    int timeout = -1;
    if (auto moment = next_moment()) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(*moment - now());
        timeout = static_cast<int>(std::clamp<int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
    }
    poll(fds.data(), fds.size(), timeout);  // whatever it says, everybody is asked afterwards
}

void Master::obey(ReceivedSignal signal) {
    journal_.write(Level::notice, "signal {} ({}) received from {}{}", signal.number, signal_name(signal.number),
                   signal.sender, meaning(signal.number, daemon_.is_one()));
    switch (signal.number) {
        case SIGCHLD: return supervisor_.reap();
        case SIGTERM:
        case SIGINT: return terminate();
        case SIGQUIT: return quit();
        case SIGHUP: return begin_reload({});
        case SIGUSR1: return reopen();
        case SIGWINCH: return daemon_.is_one() ? rest() : void();
        default: return;
    }
}

void Master::listen_to(WorkerProcess& process) {
    while (process.channel) {
        auto message = process.channel.receive();
        if (message) on_message(process, *message);
        else if (message.error().number == EAGAIN) return;
        else process.channel.close();  // it is about to be buried
    }
}

void Master::on_message(WorkerProcess& process, const Message& message) {
    if (message.kind == Message::Kind::ask_reload || message.kind == Message::Kind::ask_check) {
        auto& asking = message.kind == Message::Kind::ask_reload ? wishing_ : doubting_;
        asking.push_back({.worker = process.life, .question = message.number});
        return;
    }
    if (message.kind == Message::Kind::refused) {
        // A new process has the generation from its birth.
        if (&process == supervisor_.find(process.number)) process.generation = 0;
        return;
    }
    if (message.kind == Message::Kind::closed) {
        process.closed = true;
        return;
    }
    process.generation = message.number;
    process.serving = true;
    if (message.kind != Message::Kind::ready) return;
    for (WorkerProcess& other : supervisor_.processes()) {
        if (other.number == process.number && other.pid != process.pid && !other.leaving) {
            supervisor_.dismiss(other, SIGQUIT);
        }
    }
}

void Master::reopen() {
    journal_.write(Level::notice, "reopening logs");
    reopen_logs(*generation_, journal_);
    redirect_standard_error(generation_->log());
    if (reload_) reopen_again_ = true;  // its logs are on their way to the workers, and were opened before
    std::string names;
    std::vector<int> fds{-1};
    for (auto& file : generation_->logs().all()) {
        names += file->name() + "\n";
        fds.push_back(file->fd());
    }
    auto sealed = seal(names);
    if (!sealed) return journal_.write(Level::alert, sealed.error(), "{}() failed for the logs", sealed.error().call);
    fds[0] = sealed->get();
    for (WorkerProcess& process : supervisor_.processes()) {
        if (!process.channel) continue;
        auto sent = process.channel.send(Message::Kind::reopen, generation_number_, fds);
        if (!sent) journal_.write(Level::alert, sent.error(), "cannot send the logs to worker {}", process.pid);
    }
}

// Keeps the sockets and nothing else.
void Master::rest() {
    if (state_ != State::serving) return;
    state_ = State::resting;
    supervisor_.stop_keeping();
    supervisor_.dismiss_all(SIGQUIT);
}

void Master::quit() {
    if (leaving()) return;
    state_ = State::quitting;
    control_.close();
    supervisor_.stop_keeping();
    tell_state();  // before the workers act upon it
    supervisor_.dismiss_all(SIGQUIT);
    sockets_.close_and_remove();  // the workers have theirs until they have emptied them
}

void Master::terminate() {
    if (state_ == State::terminating) return;
    state_ = State::terminating;
    control_.close();
    supervisor_.stop_keeping();
    pressure_ = pressure_first;
    press();
}

void Master::press() {
    supervisor_.dismiss_all(pressure_ > pressure_last ? SIGKILL : SIGTERM);
    press_at_ = now() + pressure_;
    pressure_ *= 2;
}

void Master::become_worker(unsigned number, Channel channel, Life life) {
    use_log_thread(nullptr);  // it did not come along
    std::vector<Fd> sockets;
    for (int fd : sockets_.of_worker(generation_->listens(), number)) {
        sockets.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    }
    // What is the master's must not live on in a worker: its sockets would stay open, its end would not be noticed.
    sockets_.forget();
    supervisor_.forget();
    control_.close();
    signals_.close();
    callers_.clear();
    wishing_.clear();
    doubting_.clear();
    reload_.reset();
    daemon_.forget();
    title_.set("ringx: worker process");
    int code = 0;
    {
        Worker worker({.program = program_,
                       .title = title_,
                       .generation = std::move(generation_),
                       .generation_number = generation_number_,
                       .sockets = std::move(sockets),
                       .engine = engine_.settings,
                       .place = {number, supervisor_.count()},
                       .lives = lives_,
                       .life = life,
                       .master = std::move(channel)});
        code = worker.run();
    }
    exit(code);
}

}  // namespace ringx::proc

#include "proc/supervisor.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "proc/worker.h"

namespace ringx::proc {

namespace {

using namespace std::chrono_literals;

// A worker that dies this early died of its start, and its successor probably will.
constexpr auto early = 2s;
constexpr std::chrono::milliseconds pause_first = 100ms;
constexpr std::chrono::milliseconds pause_longest = 10s;

// So many deaths at the start in a row are no bad luck.
constexpr unsigned failures_believed = 5;

Moment now() { return std::chrono::steady_clock::now(); }

}  // namespace

void Supervisor::keep(unsigned count) {
    posts_.resize(count);
    for (unsigned number = 0; number < count; ++number) {
        Post& post = posts_[number];
        post.fatal = false;
        post.failures = 0;
        if (find(number) == nullptr) start(number);
    }
}

void Supervisor::start(unsigned number) {
    Post* post = number < posts_.size() ? &posts_[number] : nullptr;
    if (post != nullptr) post->start_at.reset();
    Channel ours, theirs;
    auto made = Channel::make_pair(ours, theirs);
    Life life = lives_.begin();
    auto still = log_thread_.keep_still();
    pid_t pid = made ? fork() : -1;
    if (pid != 0) still.unlock();
    if (pid < 0) {
        Error error = made ? Error{"fork", errno} : made.error();
        lives_.end(life);
        journal_.write(Level::alert, error, "{}() failed while starting a worker process", error.call);
        if (post != nullptr) post->start_at = now() + pause_longest;
        return;
    }
    if (pid == 0) {
        ours.close();
        body_(number, std::move(theirs), life);
        abort();
    }
    processes_.push_back({.pid = pid,
                          .number = number,
                          .channel = std::move(ours),
                          .generation = 0,
                          .serving = false,
                          .leaving = false,
                          .closed = false,
                          .started = now(),
                          .life = life});
    journal_.write(Level::notice, "start worker process {}", pid);
}

void Supervisor::start_due() {
    Moment time = now();
    for (unsigned number = 0; number < posts_.size(); ++number) {
        if (posts_[number].start_at && *posts_[number].start_at <= time) start(number);
    }
}

std::optional<Moment> Supervisor::next_start() const {
    std::optional<Moment> first;
    for (const Post& post : posts_) {
        if (post.start_at && (!first || *post.start_at < *first)) first = post.start_at;
    }
    return first;
}

bool Supervisor::hopeless() const {
    auto is_fatal = [](const Post& post) { return post.fatal; };
    return !posts_.empty() && processes_.empty() && std::ranges::all_of(posts_, is_fatal);
}

bool Supervisor::any_cannot_start() const {
    auto cannot = [](const Post& post) { return post.fatal || post.failures >= failures_believed; };
    return std::ranges::any_of(posts_, cannot);
}

WorkerProcess* Supervisor::find(unsigned number) {
    return const_cast<WorkerProcess*>(std::as_const(*this).find(number));
}

const WorkerProcess* Supervisor::find(unsigned number) const {
    for (auto at = processes_.rbegin(); at != processes_.rend(); ++at) {
        if (at->number == number && !at->leaving) return &*at;
    }
    return nullptr;
}

void Supervisor::reap() {
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid > 0) bury(pid, status);
        else if (pid == 0 || errno != EINTR) return;
    }
}

void Supervisor::bury(pid_t pid, int status) {
    auto at = std::ranges::find(processes_, pid, &WorkerProcess::pid);
    if (at == processes_.end()) return;
    if (WIFSIGNALED(status)) {
        journal_.write(Level::alert, "worker process {} exited on signal {}{}", pid, WTERMSIG(status),
                       WCOREDUMP(status) ? " (core dumped)" : "");
    } else {
        journal_.write(Level::notice, "worker process {} exited with code {}", pid, WEXITSTATUS(status));
    }
    WorkerProcess dead = std::move(*at);
    processes_.erase(at);
    lives_.end(dead.life);
    if (!dead.leaving && dead.number < posts_.size()) plan_successor(dead, status);
}

void Supervisor::plan_successor(const WorkerProcess& dead, int status) {
    Post& post = posts_[dead.number];
    if (WIFEXITED(status) && WEXITSTATUS(status) == Worker::fatal) {
        post.fatal = true;
        journal_.write(Level::alert, "worker process {} exited with fatal code {} and cannot be respawned", dead.pid,
                       Worker::fatal);
        return;
    }
    if (find(dead.number) != nullptr || post.start_at) return;
    post.failures = now() - dead.started < early ? post.failures + 1 : 0;
    if (post.failures <= 1) return start(dead.number);  // it may have been bad luck
    auto pause = std::min(pause_longest, pause_first * (1u << std::min(post.failures - 2, 10u)));
    post.start_at = now() + pause;
    journal_.write(Level::warn, "worker {} has ended {} times at its start: the next one starts in {} ms", dead.number,
                   post.failures, pause.count());
}

void Supervisor::dismiss(WorkerProcess& process, int signal) {
    process.leaving = true;
    if (kill(process.pid, signal) != 0 && errno != ESRCH) {
        journal_.write(Level::alert, Error{"kill", errno}, "kill({}, {}) failed", process.pid, signal);
    }
}

void Supervisor::dismiss_all(int signal) {
    for (WorkerProcess& process : processes_) dismiss(process, signal);
}

}  // namespace ringx::proc

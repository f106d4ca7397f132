// proc/supervisor.h - the worker processes, as the master sees them.
//
// Every number from 0 has at most one process that is to stay; others of that number are leaving. A process that dies
// is followed by another, soon when it has served for a while, and later and later when it dies at its start. The
// supervisor knows processes and messages; what a process does, and why it should go, is the master's business.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/lives.h"
#include "base/log_thread.h"
#include "proc/channel.h"
#include "proc/journal.h"

namespace ringx::proc {

using Moment = std::chrono::steady_clock::time_point;

struct WorkerProcess {
    pid_t pid;
    unsigned number;
    Channel channel;
    uint32_t generation;    // the latest it has said to serve
    bool serving = false;   // it has said so at all
    bool leaving = false;   // it was told to end
    bool closed = false;    // it has said that it accepts no more
    Moment started;
    Life life;              // ends when it is buried
};

class Supervisor {
 public:
    // Called in the new process, which never returns from it.
    using Body = std::function<void(unsigned number, Channel master, Life life)>;

    // `log_thread` is this process's only one.
    Supervisor(Body body, Lives& lives, Journal& journal, LogThread& log_thread)
        : body_(std::move(body)), lives_(lives), journal_(journal), log_thread_(log_thread) {}

    // Keeps workers 0 to `count` - 1 running, beginning with those that are missing now. Surplus ones are not touched.
    void keep(unsigned count);
    unsigned count() const { return static_cast<unsigned>(posts_.size()); }
    // Lets the dead rest.
    void stop_keeping() { posts_.clear(); }

    // Starts another process of that number; the one before goes on.
    void start(unsigned number);
    // Starts those whose time has come.
    void start_due();
    std::optional<Moment> next_start() const;

    // Buries the dead and plans their successors.
    void reap();

    // Closes what belongs to the master, in a new process.
    void forget() { processes_.clear(); }

    std::vector<WorkerProcess>& processes() { return processes_; }
    bool none_left() const { return processes_.empty(); }
    // No number has a process or will get one.
    bool hopeless() const;
    // Some number's process said that another would fare no better, or died at its start too often to believe
    // otherwise.
    bool any_cannot_start() const;
    // The latest process of that number that is not leaving.
    WorkerProcess* find(unsigned number);
    const WorkerProcess* find(unsigned number) const;

    // Sends a signal, and expects the process to end.
    void dismiss(WorkerProcess& process, int signal);
    void dismiss_all(int signal);

 private:
    // What is known about a number rather than about its process.
    struct Post {
        unsigned failures = 0;  // deaths at the start, in a row
        std::optional<Moment> start_at;
        bool fatal = false;     // its process said that another would fare no better
    };

    void bury(pid_t pid, int status);
    void plan_successor(const WorkerProcess& dead, int status);

    Body body_;
    Lives& lives_;
    Journal& journal_;
    LogThread& log_thread_;
    std::vector<WorkerProcess> processes_;
    std::vector<Post> posts_;
};

}  // namespace ringx::proc

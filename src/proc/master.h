// proc/master.h - the process that keeps root: signals, workers, reloads.
//
// It sleeps in poll() until there is a signal, a request on the control socket, a message of a worker, or a moment it
// planned. A reload is under way from the new generation's resources being there until every worker serves it; what is
// asked for meanwhile begins when it is over.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/log_thread.h"
#include "base/run_state.h"
#include "net/steering.h"
#include "proc/control.h"
#include "proc/daemon.h"
#include "proc/generation.h"
#include "proc/journal.h"
#include "proc/listening_sockets.h"
#include "proc/pid_file.h"
#include "proc/resources.h"
#include "proc/signals.h"
#include "proc/supervisor.h"
#include "proc/title.h"

namespace ringx::proc {

// What the start has made.
struct Started {
    const Program& program;
    ProcessTitle& title;
    Journal& journal;
    std::shared_ptr<Generation> generation;
    ChosenEngine engine;
    ListeningSockets sockets;
    PidFile& pid_file;
    Daemon& daemon;
    // Called once, when it serves: makes that known outside. False when it cannot. Calls what it is given when the pid
    // file is there and empty.
    std::function<bool(const std::function<void()>&)> announce;
};

// Who wants to know how a reload or a check has ended: a client of the control socket, or a question of a worker's.
struct Caller {
    Fd client = {};
    Life worker = {};
    uint32_t question = 0;
};

class Master {
 public:
    explicit Master(Started started);

    // To the end; the exit code.
    int run();

 private:
    enum class State : uint8_t { starting, serving, resting, quitting, terminating };
    struct Reload {
        std::vector<Caller> callers;
        std::vector<conf::Mistake> said;  // warnings, for the callers
        Moment deadline;
        bool second_try = false;
    };

    bool leaving() const { return state_ == State::quitting || state_ == State::terminating; }
    void continue_start();
    void give_up();
    void rotate_ticket_keys();
    void open_control(const std::string& pid_path);
    void wait();
    std::optional<Moment> next_moment() const;
    void obey(ReceivedSignal signal);
    void listen_to(WorkerProcess& process);
    void on_message(WorkerProcess& process, const Message& message);

    void begin_reload(std::vector<Caller> callers);
    bool prepare(Generation& next);
    void put_in_force(std::shared_ptr<Generation> next);
    void send_generation(WorkerProcess& process, int bundle);
    bool all_serve() const;
    void continue_reload();
    void replace_laggards();
    void end_reload(bool good);
    void begin_again();
    void fail_reload(const std::vector<Caller>& callers);
    void check();
    void answer(const std::vector<Caller>& callers, SteeringAnswer answer);
    void answer_worker(const Caller& caller, const SteeringAnswer& answer);
    unsigned workers() const { return generation_->core().worker_processes->number; }

    void tell_state();
    void count_reload(bool good);
    RunState::Phase phase() const;

    void use_log_thread(LogThread* thread);
    void reopen();
    void rest();
    void quit();
    void terminate();
    void press();
    [[noreturn]] void become_worker(unsigned number, Channel channel, Life life);

    const Program& program_;
    ProcessTitle& title_;
    Journal& journal_;
    LogThread log_thread_;  // of this process; a worker has its own
    PidFile& pid_file_;
    std::shared_ptr<Generation> generation_;
    uint32_t generation_number_ = 1;
    ChosenEngine engine_;
    ListeningSockets sockets_;
    Daemon& daemon_;
    std::function<bool(const std::function<void()>&)> announce_;
    SignalReader signals_;
    Control control_;
    Lives lives_;
    Supervisor supervisor_;

    State state_ = State::starting;
    RunState::Facts facts_;  // what was told of it last
    int exit_code_ = 0;
    std::optional<Reload> reload_;
    bool reload_again_ = false;           // asked for while one was under way
    bool reopen_again_ = false;           // logs were opened anew meanwhile
    std::vector<Caller> callers_;         // by these
    std::vector<Caller> wishing_;         // for a reload, in this turn
    std::vector<Caller> doubting_;        // whether the configuration is good, likewise
    std::chrono::milliseconds pressure_{0};  // the pause before the workers are told again to end
    std::optional<Moment> press_at_;
    std::optional<Moment> rotate_at_;  // when the next key of tickets is due; not at all when nobody uses them
};

}  // namespace ringx::proc

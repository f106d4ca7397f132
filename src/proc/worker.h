// proc/worker.h - one worker: one thread, one engine, and the servers of the protocols.
//
// It accepts, hands the sockets to the servers, and changes to a new generation when the master sends one: the
// configuration is built by a helper thread and taken over between two turns of the loop. It ends in one of two ways:
// draining waits for the last request, ending cancels everything and waits for nothing but the kernel.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/log_thread.h"
#include "event/loop.h"
#include "net/service.h"
#include "proc/acceptor.h"
#include "proc/channel.h"
#include "proc/generation.h"
#include "proc/master_line.h"
#include "proc/signals.h"
#include "proc/title.h"
#include "proc/watch.h"
#include "proc/worker_process.h"

namespace ringx::proc {

// What the process that becomes a worker brings with it.
struct WorkerStart {
    const Program& program;
    ProcessTitle& title;
    std::shared_ptr<Generation> generation;
    uint32_t generation_number;
    std::vector<Fd> sockets;  // in the order of the generation's listens
    EngineSettings engine;    // chosen
    Placement place;
    const Lives& lives;
    Life life;
    Channel master;           // none when the master serves by itself
    // Asked first about every signal; true: it was for the asked one.
    std::function<bool(int)> on_signal = {};
    // Without a master: answers what would be asked of it; outlives the worker.
    Steering* steering = nullptr;
    // Likewise: makes known outside that it serves. False when it cannot.
    std::function<bool()> announce = {};
};

class Worker final : public Acceptor::Sink {
 public:
    // Exit codes: 0 after an ordinary end; fatal means that a successor would fare no better.
    static constexpr int fatal = 2;

    explicit Worker(WorkerStart start);
    ~Worker();

    // Serves to the end; the exit code.
    int run();

    Loop& loop() { return loop_; }
    Generation& generation() { return *generation_; }

    // Takes over another generation; `sockets` are those of its listens, of which those are used that are not open yet.
    // `done` is called when it serves.
    void change_to(std::shared_ptr<Generation> next, std::vector<Fd> sockets, std::function<void()> done);

    void drain();
    void end();

 private:
    class Build;
    friend class Build;
    struct Change {
        std::shared_ptr<Generation> next;
        std::vector<Fd> sockets;
        std::function<void()> done;
    };
    enum class State : uint8_t { serving, draining, ending };

    class Deadline final : public Timer {
     public:
        explicit Deadline(std::function<void()> then) : then_(std::move(then)) {}

     private:
        void expire() override { then_(); }
        std::function<void()> then_;
    };

    bool open();
    bool open_engine();
    void close();
    void read_signals();
    void read_master();
    void obey(Message message);
    void begin_build(Message message);
    void finish_build(Build& build);
    void reopen_logs(const Message& message);
    void answer(Message::Kind kind, uint32_t number);

    void after_turn();
    void try_change();
    bool leave_others(const std::vector<Listen>& listens);
    void use_sites();
    void add_acceptor(const Listen& listen, Fd socket);
    bool all_idle() const;
    void stop_accepting();
    void leave_queues();
    void limit_connections();
    void tell_limit();
    size_t connections() const;
    bool finished() const;

    void accepted(Fd socket, const std::string& key) override;
    const Log& log() const override { return generation_->log(); }

    void use_log_thread(LogThread* thread);

    LogThread log_thread_;  // for all that follows
    Undertaker undertaker_;  // outlives the loop, too
    WorkerStart start_;
    MasterLine line_;
    std::shared_ptr<Generation> generation_;
    std::unique_ptr<Build> build_;  // outlives the loop, whose threads may be at it
    Loop loop_;
    Metrics::Writer metrics_;
    WorkerContext context_;
    SignalReader signals_;
    std::unique_ptr<Watch> signal_watch_;
    std::unique_ptr<Watch> master_watch_;
    Deadline shutdown_deadline_;
    Deadline retirement_;
    std::vector<std::unique_ptr<Server>> servers_;  // by protocol; null for one without a site
    std::map<std::string, size_t> protocol_of_;     // key of a listening socket: index of its protocol
    std::map<std::string, std::unique_ptr<Acceptor>> acceptors_;
    std::unique_ptr<Change> change_;
    State state_ = State::serving;
    bool closed_ = false;   // accepts no more
    bool limited_ = false;  // not accepting, because there are too many connections
    uint64_t limit_told_ms_ = 0;
};

}  // namespace ringx::proc

// bench/worker.h - one thread of the load: a loop, an engine, and a share of the connections.
//
// First all connections are opened, then the run begins, at one time for all threads. The thread ends when there is
// nothing more to ask, or after stop(). Others may call what says so, and read the tally.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "base/list.h"
#include "bench/client.h"
#include "bench/pacer.h"
#include "bench/plan.h"
#include "bench/response_reader.h"
#include "bench/schedule.h"
#include "bench/tally.h"
#include "event/loop.h"
#include "event/wait.h"
#include "net/tls_client_sessions.h"
#include "net/upstream_connection.h"

namespace ringx::bench {

class Worker {
 public:
    enum class State : uint8_t { opening, ready, ended };

    // `changed` is called on the thread, when the state has changed. The plan outlives it.
    Worker(const Plan& plan, uint32_t index, std::function<void()> changed);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // --- for whoever owns it

    // Starts the thread and gives what stood in the way of its engine.
    Result<> start();
    State state() const { return state_; }
    // Everybody is ready: the run begins now, and plans requests until `end_us`.
    void begin(uint64_t start_us, uint64_t end_us);
    // Nothing more is asked; answers are waited for this long.
    void stop(uint64_t patience_ms);
    // REQUIRES: it has been told to stop, or has ended.
    void join() { thread_.join(); }
    const Tally& tally() const { return tally_; }

    // --- for its clients

    const Plan& plan() const { return plan_; }
    Loop& loop() { return loop_; }
    Tally& tally() { return tally_; }
    UpstreamPool& pool() { return pool_; }
    const SocketRules& socket_rules() const { return socket_rules_; }
    TlsClientSessions& tls_sessions() { return tls_sessions_; }
    Schedule& schedule() { return schedule_; }
    KnownHead& known_head(size_t target) { return known_heads_[target]; }
    bool is_stopping() const { return is_stopping_; }

    void enter() { gate_.enter(); }
    void leave() { gate_.leave(); }
    // One more has a connection, or has failed to have one.
    void settled();
    // It goes on when there is something for it to do.
    void wait_turn(Client& client);

 private:
    class Patience : public Timer {
     public:
        explicit Patience(Worker& worker) : worker_(worker) {}

     private:
        void expire() override;
        Worker& worker_;
    };

    void run();
    void serve();
    Conversation end_when_all_have_left();
    void set_state(State state);
    void hand_out();
    void wake_all();

    const Plan& plan_;
    const uint32_t index_;
    std::function<void()> changed_;
    std::atomic<State> state_ = State::opening;
    std::latch opened_{1};
    Result<> engine_;
    Loop loop_;
    Tally tally_;
    UpstreamPool pool_;
    const SocketRules socket_rules_;
    TlsClientSessions tls_sessions_;
    std::vector<KnownHead> known_heads_;  // by target
    Schedule schedule_;
    Gate gate_;
    List<Client> idle_;
    size_t unsettled_ = 0;
    std::unique_ptr<Pacer> pacer_;
    Patience patience_;
    std::vector<std::unique_ptr<Client>> clients_;
    bool has_begun_ = false;
    bool is_stopping_ = false;
    std::thread thread_;
};

}  // namespace ringx::bench

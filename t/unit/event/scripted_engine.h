// t/unit/event/scripted_engine.h - an engine for unit tests: sockets are made up, and the test decides what happens.
//
// A made-up socket has a Peer: what it says is received, in pieces as small as the test likes; what is sent is heard,
// in pieces likewise. Regular files are real. Answers come from the loop, one for each operation and turn, in the order
// of their start or in another. Any operation or any answer, counted from 1, can be made to fail, and the test can step
// in between a start and its answer: so errors and cancellations are loops over n, until n is more than there were.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/fd.h"
#include "event/engine.h"

namespace ringx {

class ScriptedEngine final : public Engine {
 public:
    // The other side of a made-up socket.
    struct Peer {
        std::string says;                // what is still to be received
        bool finished = false;           // the end follows
        int error = 0;                   // or this error does
        std::string heard;               // all that was sent
        size_t hears_max = SIZE_MAX;     // sends that go beyond fail with EPIPE
        bool deaf = false;               // sends wait, as on a full socket
        int connect_error = 0;           // the outcome of a connect
        std::deque<int> arriving;        // of a listener: the sockets to accept, or negative errnos
        bool closed = false;             // by us
    };

    struct Started {
        Operation::Kind kind;
        int fd;
        friend bool operator==(const Started&, const Started&) = default;
    };

    enum class Order : uint8_t { as_started, newest_first, shuffled };

    // Hand it to Loop::open.
    explicit ScriptedEngine(Loop& loop, uint32_t buffers = 16, uint32_t buffer_bytes = 4096);

    // A new made-up descriptor. Calls past the engine meet EBADF on it.
    int make_socket();
    Peer& peer(int fd) { return peers_.at(fd); }

    // How the world behaves from now on.
    size_t receive_bytes_max = SIZE_MAX;  // of one receive
    size_t send_bytes_max = SIZE_MAX;     // that leave in one turn; the send is answered when all of it has left
    Order order = Order::as_started;

    // The next operation of that kind gets this answer, whatever its peer does.
    void answer_next(Operation::Kind kind, Outcome outcome) { outcomes_[kind].push_back(outcome); }
    // The n-th operation started is answered with -error at once.
    void fail_operation(size_t n, int error) { failing_operations_[n] = error; }
    // The n-th answer is -error instead, and the last of its operation.
    void fail_answer(size_t n, int error) { failing_answers_[n] = error; }
    // Calls it from the loop when n operations were started, before the n-th is answered.
    void interrupt(size_t n, std::function<void()> call) { interrupts_[n] = std::move(call); }

    // Turns the loop without sleeping until nothing more happens by itself.
    void settle();

    // What was started and answered until now.
    const std::vector<Started>& started() const { return started_; }
    size_t answers() const { return answers_; }
    // "receive_many on 1000000, send on 1000000": what is still in flight; for tests that end with none.
    std::string in_flight() const;

    std::string_view name() const override { return "scripted"; }
    void close(int fd) override;
    void wait(std::optional<uint64_t> sleep_ms) override;
    void wake() override;
    BufferPool& buffers() override { return pool_; }

 private:
    void begin(Operation& operation) override;
    void abandon(Operation&) override {}  // met by decide() in the next turn

    std::vector<size_t> turn_order();
    std::optional<Outcome> decide(size_t number, Operation& operation);
    std::optional<Outcome> behave(Operation& operation);
    std::optional<Outcome> receive(Operation& operation, Peer& from);
    std::optional<Outcome> send(Operation& operation, Peer& to);
    void idle(std::optional<uint64_t> sleep_ms);

    Loop& loop_;
    BufferPool pool_;
    Fd wakeup_;
    std::map<int, Peer> peers_;
    std::map<size_t, Operation*> in_flight_;  // by number of their start
    std::vector<Started> started_;
    size_t answers_ = 0;
    size_t steps_ = 0;  // all that moved: starts, answers, parts of sends
    std::map<Operation::Kind, std::deque<Outcome>> outcomes_;
    std::map<size_t, int> failing_operations_;
    std::map<size_t, int> failing_answers_;
    std::map<size_t, std::function<void()>> interrupts_;
    std::minstd_rand random_;
};

}  // namespace ringx

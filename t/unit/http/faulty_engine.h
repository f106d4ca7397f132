// http/faulty_engine.h - a real engine whose operations, or answers, fail when a test says so.
//
// Every operation is passed on to the engine inside, except those that are to fail at once. Where an answer is to fail,
// what the kernel really did is dropped, and an operation that would be answered again is ended first. So any
// conversation over real sockets can be led through each of its errors: fail the n-th, for every n until there were
// fewer. Sends are taken with the batch only when a test says so, whatever the engine inside would do, and may leave in
// part or not at all.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "event/engine.h"

namespace ringx {

class FaultyEngine final : public Engine {
 public:
    // Opens the loop with a real engine inside of one that can fail, which the loop owns. Null: there is none.
    static FaultyEngine* open(Loop& loop, const EngineSettings& settings);

    FaultyEngine(std::unique_ptr<Engine> real, Loop& loop) : real_(std::move(real)), loop_(loop) {}

    // The n-th operation from now on (1: the next) is answered with -error, and never reaches the kernel.
    void fail_operation(size_t n, int error) { failing_operations_[operations_ + n] = error; }
    // The n-th answer from now on is -error instead, and the last of its operation.
    void fail_answer(size_t n, int error) { failing_answers_[answers_ + n] = error; }
    // From now on nothing fails any more.
    void heal() {
        failing_operations_.clear();
        failing_answers_.clear();
        faults_ = 0;
    }

    // Takes sends with the batch, of each of which so many bytes leave; then its sender is told of batch_error.
    std::optional<size_t> batch_bytes;
    int batch_error = EAGAIN;
    size_t taken() const { return taken_; }  // sends, until now

    size_t operations() const { return operations_; }  // started until now
    size_t answers() const { return answers_; }
    size_t faults() const { return faults_; }  // since it was healed
    size_t in_flight() const { return copies_.size(); }

    std::string_view name() const override { return real_->name(); }
    void close(int fd) override {
        send_batch();
        real_->close(fd);
    }
    void unwatch(int fd) override { real_->unwatch(fd); }
    void wait(std::optional<uint64_t> sleep_ms) override;
    void wake() override { real_->wake(); }
    BufferPool& buffers() override { return real_->buffers(); }
    bool send_with_batch(BatchSender& sender, int fd, std::span<const iovec> parts, size_t bytes) override;
    void send_batch() override;

 private:
    // The operation as the engine inside sees it.
    struct Copy : Operation {
        void complete(Outcome outcome) override { engine->answered(*this, outcome); }
        FaultyEngine* engine = nullptr;
        Operation* original = nullptr;
        int error = 0;  // it has failed with this, and is being ended
    };

    struct Send {
        BatchSender* sender;
        int fd;
        std::string bytes;
    };

    void begin(Operation& operation) override;
    void abandon(Operation& operation) override;
    void answered(Copy& copy, Outcome outcome);
    void finish(Copy& copy, Outcome outcome);

    std::unique_ptr<Engine> real_;
    Loop& loop_;
    std::map<Operation*, std::unique_ptr<Copy>> copies_;
    std::map<size_t, int> failing_operations_;
    std::map<size_t, int> failing_answers_;
    size_t operations_ = 0;
    size_t answers_ = 0;
    size_t faults_ = 0;
    size_t taken_ = 0;
    std::vector<Send> sends_;
};

}  // namespace ringx

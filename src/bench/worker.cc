#include "bench/worker.h"

#include <utility>

namespace ringx::bench {

Worker::Worker(const Plan& plan, uint32_t index, std::function<void()> changed)
    : plan_(plan),
      index_(index),
      changed_(std::move(changed)),
      pool_(loop_),
      known_heads_(plan.tape.targets()),
      patience_(*this) {}

Result<> Worker::start() {
    thread_ = std::thread([this] { run(); });
    opened_.wait();
    if (!engine_) thread_.join();
    return engine_;
}

// The engine belongs to the thread that made it.
void Worker::run() {
    engine_ = loop_.open(plan_.engine);
    if (engine_) {
        pacer_ = std::make_unique<Pacer>(loop_, [](void* worker) { static_cast<Worker*>(worker)->hand_out(); }, this);
        engine_ = pacer_->open();
    }
    const bool good = engine_.has_value();
    opened_.count_down();
    if (!good) return;
    serve();
    set_state(State::ended);
}

void Worker::serve() {
    const Options& options = plan_.options;
    uint32_t share = options.connections / options.threads + (index_ < options.connections % options.threads ? 1 : 0);
    uint64_t requests = options.is_open_loop() ? 0 : options.requests;
    unsettled_ = share;
    for (uint32_t i = 0; i < share; ++i) clients_.push_back(std::make_unique<Client>(*this, requests));
    for (auto& client : clients_) client->run();
    end_when_all_have_left();
    loop_.run();
    pool_.drain();
    while (pool_.closing() > 0) loop_.turn();
    pacer_.reset();
}

Conversation Worker::end_when_all_have_left() {
    co_await gate_;
    pacer_->end();
    while (!pacer_->at_rest()) {
        Sleep turn(loop_, 1);
        co_await turn;
    }
    loop_.stop();
}

void Worker::set_state(State state) {
    state_ = state;
    changed_();
}

void Worker::settled() {
    if (--unsettled_ == 0) set_state(State::ready);
}

void Worker::begin(uint64_t start_us, uint64_t end_us) {
    loop_.post([this, start_us, end_us] {
        const Options& options = plan_.options;
        has_begun_ = true;
        if (!options.is_open_loop()) return wake_all();
        uint64_t count = options.requests > 0 ? options.requests * options.connections : Schedule::never;
        schedule_ = Schedule(options.rate, {index_, options.threads}, start_us, end_us, count);
        hand_out();
    });
}

void Worker::stop(uint64_t patience_ms) {
    loop_.post([this, patience_ms] {
        loop_.set_timer(patience_, patience_ms);
        if (std::exchange(is_stopping_, true)) return;
        for (uint64_t now = Clock::read_us(); schedule_.is_due(now); schedule_.take()) tally_.unsent.add(1);
        wake_all();
    });
}

void Worker::Patience::expire() {
    for (auto& client : worker_.clients_) client->interrupt();
}

void Worker::wait_turn(Client& client) {
    idle_.push_back(client);
    bool is_paced = has_begun_ && plan_.options.is_open_loop();
    if (is_paced && !schedule_.is_over()) pacer_->wake_at(schedule_.next_us());
}

void Worker::wake_all() {
    List<Client> idle;
    idle.take_all(idle_);
    while (!idle.empty()) idle.pop_front().resume();
}

// Gives what is due to those who wait. Who is busy takes the next one himself, when he has time for it.
void Worker::hand_out() {
    uint64_t now_us = Clock::read_us();
    while (!idle_.empty() && schedule_.is_due(now_us)) idle_.pop_front().resume();
    if (schedule_.is_over()) return wake_all();
    if (!idle_.empty()) pacer_->wake_at(schedule_.next_us());
}

}  // namespace ringx::bench

#include "proc/alone.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "proc/resources.h"
#include "proc/worker.h"

namespace ringx::proc {

namespace {

class Alone final : public Steering {
 public:
    explicit Alone(Started started)
        : started_(std::move(started)),
          worker_({.program = started_.program,
                   .title = started_.title,
                   .generation = started_.generation,
                   .generation_number = 1,
                   .sockets = sockets_of(*started_.generation),
                   .engine = started_.engine.settings,
                   .place = {0, 1},
                   .lives = lives_,
                   .life = lives_.begin(),
                   .master = {},
                   .on_signal = [this](int number) { return obey(number); },
                   .steering = this,
                   .announce = [this] { return announce(); }}) {}

    int run() {
        started_.title.set("ringx: single process " + started_.title.arguments());
        rotate_ticket_keys(*started_.generation);
        started_.generation.reset();  // the worker has it, as long as it is the one in force
        int code = worker_.run();
        started_.sockets.close_and_remove();
        return code;
    }

    bool is_there() const override { return facts_.phase != RunState::Phase::quitting; }

    Result<> ask(SteeringQuestion& question) override {
        if (!is_there()) return fail("reload", EPIPE);
        asking_.push_back(&question);
        begin();
        return {};
    }

    void withdraw(SteeringQuestion& question) override {
        std::erase(asking_, &question);
        std::erase(round_, &question);
    }

 private:
    // Reading the configuration, on a thread of the worker's pool.
    class Build final : public BlockingJob {
     public:
        explicit Build(Alone& alone) : alone_(alone) {}
        std::shared_ptr<Generation> next;

     private:
        void work() override {
            const Program& program = alone_.started_.program;
            next = Generation::build(program, program.origin.open_bundle());
        }
        void done() override { alone_.use(std::move(next)); }

        Alone& alone_;
    };

    // Says when the next key of tickets is due.
    class Rotation final : public Timer {
     public:
        explicit Rotation(Alone& alone) : alone_(alone) {}

     private:
        void expire() override { alone_.rotate_ticket_keys(alone_.worker_.generation()); }

        Alone& alone_;
    };

    void rotate_ticket_keys(const Generation& generation) {
        worker_.loop().timers().stop(rotation_);
        auto life = generation.ticket_life();
        if (life.count() == 0) return;
        auto now = std::chrono::steady_clock::now();
        auto left = std::chrono::ceil<std::chrono::milliseconds>(started_.program.ticket_keys.rotate(now, life) - now);
        worker_.loop().set_timer(rotation_, static_cast<uint64_t>(left.count()));
    }

    bool announce() {
        facts_.started_ms = facts_.generation_ms = facts_.last_reload_ms = wall_clock_ms();
        facts_.generation = 1;
        facts_.workers_wanted = facts_.workers_alive = facts_.workers_serving = 1;
        facts_.engine = started_.engine.name();
        facts_.engine_reason = started_.engine.reason;
        tell(RunState::Phase::serving);
        return started_.announce({});
    }

    void tell(RunState::Phase phase) {
        if (facts_.phase != RunState::Phase::quitting) facts_.phase = phase;
        started_.program.run_state.publish(facts_);
    }

    // What is asked for comes in rounds. Whoever asks for the same before the files are read is answered together.
    void begin() {
        if (doing_ || (!reload_wanted_ && asking_.empty())) return;
        doing_ = reload_wanted_ ? Wish::reload : asking_.front()->wish;
        auto is_other = [this](SteeringQuestion* question) { return question->wish != *doing_; };
        auto ours = std::ranges::partition(asking_, is_other);
        round_.assign(ours.begin(), ours.end());
        asking_.erase(ours.begin(), ours.end());
        if (*doing_ == Wish::reload) {
            reload_wanted_ = false;
            started_.journal.write(Level::notice, "reconfiguring");
            tell(RunState::Phase::reloading);
        }
        worker_.loop().blocking().run(build_);
    }

    void use(std::shared_ptr<Generation> next) {
        if (*doing_ == Wish::check) finish(judge(*next, worker_.generation()));
        else change_to(std::move(next));
    }

    // The round is over. Who is told may ask again, which is for the next one.
    void finish(SteeringAnswer answer) {
        answer.generation = facts_.generation;
        tell_all(round_, answer);
        doing_.reset();
        begin();
    }

    static void tell_all(std::vector<SteeringQuestion*>& questions, const Result<SteeringAnswer>& answer) {
        while (!questions.empty()) {
            SteeringQuestion* first = questions.front();
            questions.erase(questions.begin());
            first->tell(answer);
        }
    }

    void leave() {
        tell(RunState::Phase::quitting);
        tell_all(asking_, fail("reload", EPIPE));
        tell_all(round_, fail("reload", EPIPE));
    }

    void end_reload(bool good) {
        ++(good ? facts_.reloads_good : facts_.reloads_failed);
        facts_.last_reload_good = good;
        facts_.last_reload_ms = wall_clock_ms();
        tell(RunState::Phase::serving);
        finish({.good = good, .mistakes = started_.journal.take_collected()});
    }

    std::vector<Fd> sockets_of(const Generation& generation) const {
        std::vector<Fd> sockets;
        for (int fd : started_.sockets.of_worker(generation.listens(), 0)) {
            sockets.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, 3));
        }
        return sockets;
    }

    bool obey(int number) {
        Journal& journal = started_.journal;
        if (number == SIGUSR1) {
            journal.write(Level::notice, "reopening logs");
            reopen_logs(worker_.generation(), journal);
            redirect_standard_error(worker_.generation().log());
            return true;
        }
        if (number == SIGQUIT || number == SIGTERM || number == SIGINT) leave();
        if (number != SIGHUP) return number == SIGWINCH || number == SIGUSR2;
        reload_wanted_ = true;
        begin();
        return true;
    }

    void change_to(std::shared_ptr<Generation> next) {
        Journal& journal = started_.journal;
        if (!is_there()) return finish({});
        journal.collect();
        for (auto& mistake : next->tree().mistakes()) journal.report(mistake);
        bool good = !next->failed() && open_logs(*next, &worker_.generation(), journal) &&
                    make_temp_paths(*next, journal) && open_zones(*next, &worker_.generation(), journal) &&
                    started_.sockets.open(next->listens(), 1, journal);
        if (!good) return end_reload(false);
        if (needs_new_processes(worker_.generation(), *next)) {
            journal.write(Level::warn, "some of the changes take effect when the server is started anew");
        }
        rotate_ticket_keys(*next);
        worker_.change_to(next, sockets_of(*next), [this] {
            ++facts_.generation;
            facts_.generation_ms = wall_clock_ms();
            started_.program.run_state.log_level() = 0;
            Generation& now = worker_.generation();
            started_.journal.use(&now.log());
            started_.sockets.keep_only(now.listens(), 1);
            started_.journal.write(Level::notice, "the configuration is in force");
            end_reload(true);
        });
    }

    Started started_;
    Build build_{*this};
    std::vector<SteeringQuestion*> asking_;  // what the next rounds are for
    std::vector<SteeringQuestion*> round_;   // who is told when this one is over
    std::optional<Wish> doing_;              // what it is for
    bool reload_wanted_ = false;             // by a signal
    RunState::Facts facts_;
    Lives lives_;
    Worker worker_;
    Rotation rotation_{*this};
};

}  // namespace

int serve_alone(Started started) { return Alone(std::move(started)).run(); }

}  // namespace ringx::proc

// proc/master_reload.cc - changing to another configuration while serving.
//
// A mistake, or a resource that cannot be had, ends a reload before anything has changed. From then on it succeeds:
// workers take the new generation over, or are followed by processes that were born with it.
#include <signal.h>

#include <algorithm>

#include "proc/master.h"
#include "proc/resources.h"
#include "proc/sealed_file.h"
#include "proc/steering_answer.h"

namespace ringx::proc {

namespace {

using namespace std::chrono_literals;

// Longer than building the largest configuration takes; who has not answered by then is stuck.
constexpr auto answer_time = 60s;

}  // namespace

void Master::begin_reload(std::vector<Caller> callers) {
    if (leaving()) return answer(callers, {.mistakes = {{.sentence = "the server is being stopped"}}});
    if (reload_ || state_ == State::starting) {
        reload_again_ = true;
        for (Caller& caller : callers) callers_.push_back(std::move(caller));
        return;
    }
    journal_.write(Level::notice, "reconfiguring");
    facts_.phase = RunState::Phase::reloading;
    program_.run_state.publish(facts_);
    journal_.collect();
    auto next = Generation::build(program_, program_.origin.open_bundle());
    for (auto& mistake : next->tree().mistakes()) journal_.report(mistake);
    if (next->failed() || !prepare(*next)) {
        journal_.use(&generation_->log());
        return fail_reload(callers);
    }
    reload_.emplace(std::move(callers), journal_.take_collected(), std::chrono::steady_clock::now() + answer_time);
    put_in_force(std::move(next));
}

// Opens what is new. False leaves everything as it was.
bool Master::prepare(Generation& next) {
    if (!open_logs(next, generation_.get(), journal_) || !make_temp_paths(next, journal_)) return false;
    if (!open_zones(next, generation_.get(), journal_)) return false;
    ChosenEngine engine = engine_;
    if (engine_settings(next.tree()) != engine_settings(generation_->tree())) {
        auto chosen = choose_engine(next, journal_);
        if (!chosen) return false;
        engine = std::move(*chosen);
    }
    if (!sockets_.open(next.listens(), next.core().worker_processes->number, journal_)) return false;
    std::string pid_path(*next.core().pid);
    if (pid_path != pid_file_.path()) {
        auto written = pid_file_.write(pid_path, [&] { open_control(pid_path); });
        if (!written) {
            journal_.write(Level::emerg, written.error(), "{}() \"{}\" failed", written.error().call, pid_path);
            open_control(pid_file_.path());
            sockets_.keep_only(generation_->listens(), workers());
            return false;
        }
    }
    engine_ = std::move(engine);
    return true;
}

void Master::put_in_force(std::shared_ptr<Generation> next) {
    std::shared_ptr<Generation> before = std::exchange(generation_, std::move(next));
    ++generation_number_;
    facts_.generation_ms = wall_clock_ms();
    program_.run_state.log_level() = 0;  // a level that was set by hand lasts until now
    use_log_thread(&log_thread_);
    rotate_ticket_keys();
    journal_.use(&generation_->log());
    redirect_standard_error(generation_->log());
    bool replace = needs_new_processes(*before, *generation_);
    state_ = State::serving;

    auto bundle = seal(generation_->bundle().serialize().view());
    if (!bundle) {
        journal_.write(Level::alert, bundle.error(), "{}() failed for the configuration", bundle.error().call);
        replace = true;  // who is born with the generation needs no copy
    }
    std::vector<pid_t> there;
    for (WorkerProcess& process : supervisor_.processes()) {
        if (!process.leaving) there.push_back(process.pid);
    }
    sockets_.steer_to_first(workers(), journal_);
    supervisor_.keep(workers());
    for (pid_t pid : there) {
        WorkerProcess& process = *std::ranges::find(supervisor_.processes(), pid, &WorkerProcess::pid);
        if (process.number >= workers()) {
            process.leaving = true;
            auto sent = process.channel.send(Message::Kind::retire);
            if (!sent) supervisor_.dismiss(process, SIGQUIT);
        } else if (replace) {
            supervisor_.start(process.number);
        } else {
            send_generation(process, bundle->get());
        }
    }
}

void Master::send_generation(WorkerProcess& process, int bundle) {
    std::vector<int> fds{bundle};
    for (auto& file : generation_->logs().all()) fds.push_back(file->fd());
    for (auto& zone : generation_->zones()) fds.push_back(zone->memory->fd());
    for (int fd : sockets_.of_worker(generation_->listens(), process.number)) fds.push_back(fd);
    auto sent = process.channel.send(Message::Kind::reload, generation_number_, fds);
    if (sent) return;
    journal_.write(Level::alert, sent.error(), "cannot send the configuration to worker {}", process.pid);
    process.generation = 0;
}

// Whether every worker has followed; those that cannot are replaced.
void Master::continue_reload() {
    if (!reload_) return;
    if (state_ != State::serving) return end_reload(false);
    bool late = reload_->deadline <= std::chrono::steady_clock::now();
    auto accepts_still = [](const WorkerProcess& process) { return process.leaving && !process.closed; };
    bool followed = all_serve();
    if (followed && (late || std::ranges::none_of(supervisor_.processes(), accepts_still))) return end_reload(true);
    auto refused = [](const WorkerProcess& process) { return process.serving && process.generation == 0; };
    if (followed) return;
    if (supervisor_.any_cannot_start() || (late && reload_->second_try)) return end_reload(false);
    if (late || std::ranges::any_of(supervisor_.processes(), refused)) replace_laggards();
}

void Master::replace_laggards() {
    if (reload_->second_try) return;
    reload_->second_try = true;
    reload_->deadline = std::chrono::steady_clock::now() + answer_time;
    for (unsigned number = 0; number < workers(); ++number) {
        WorkerProcess* process = supervisor_.find(number);
        if (process == nullptr || process->generation == generation_number_) continue;
        journal_.write(Level::warn, "worker process {} did not follow the reload, replacing it", process->pid);
        supervisor_.start(number);
    }
}

void Master::end_reload(bool good) {
    std::vector<conf::Mistake> said = std::move(reload_->said);
    std::vector<Caller> callers = std::move(reload_->callers);
    reload_.reset();
    count_reload(good);
    if (!good) said.push_back({.sentence = "not every worker process could take the configuration over"});
    answer(callers, {.good = good, .mistakes = std::move(said)});
    sockets_.keep_only(generation_->listens(), workers());
    if (good) journal_.write(Level::notice, "the configuration is in force");
    if (std::exchange(reopen_again_, false)) reopen();
    begin_again();
}

// For those who asked when the files had already been read.
void Master::begin_again() {
    if (std::exchange(reload_again_, false)) begin_reload(std::exchange(callers_, {}));
}

void Master::fail_reload(const std::vector<Caller>& callers) {
    std::vector<conf::Mistake> said = journal_.take_collected();
    count_reload(false);
    answer(callers, {.mistakes = std::move(said)});
}

// What the next reload would find, as far as the files tell.
void Master::check() {
    std::vector<Caller> callers = std::exchange(doubting_, {});
    auto next = Generation::build(program_, program_.origin.open_bundle());
    answer(callers, judge(*next, *generation_));
}

// A client of the control socket gets the text for its terminal.
void Master::answer(const std::vector<Caller>& callers, SteeringAnswer answer) {
    answer.generation = generation_number_;
    std::string text;
    for (const conf::Mistake& mistake : answer.mistakes) text += render(mistake);
    for (const Caller& caller : callers) {
        if (caller.client) Control::answer(caller.client, answer.good, text);
        else answer_worker(caller, answer);
    }
}

void Master::answer_worker(const Caller& caller, const SteeringAnswer& answer) {
    auto& processes = supervisor_.processes();
    auto process = std::ranges::find(processes, caller.worker, &WorkerProcess::life);
    if (process == processes.end() || !process->channel) return;  // it has died since
    auto sealed = seal(pack(answer));
    int fds[] = {sealed ? sealed->get() : -1};
    Result<> sent = sealed ? process->channel.send(Message::Kind::answered, caller.question, fds)
                           : std::unexpected(sealed.error());
    if (!sent) journal_.write(Level::alert, sent.error(), "cannot answer worker process {}", process->pid);
}

}  // namespace ringx::proc

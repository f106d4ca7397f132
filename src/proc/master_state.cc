// proc/master_state.cc - what the master lets everybody know of the run.
//
// It is told when a turn of the master has ended, and before anybody acts upon what has changed.
#include "proc/master.h"

namespace ringx::proc {

RunState::Phase Master::phase() const {
    if (leaving() || state_ == State::resting) return RunState::Phase::quitting;
    if (state_ == State::starting) return RunState::Phase::starting;
    return reload_ ? RunState::Phase::reloading : RunState::Phase::serving;
}

void Master::tell_state() {
    facts_.phase = phase();
    facts_.generation = generation_number_;
    facts_.engine = engine_.name();
    facts_.engine_reason = engine_.reason;
    facts_.workers_wanted = supervisor_.count();
    facts_.workers_alive = facts_.workers_serving = facts_.workers_leaving = 0;
    for (unsigned number = 0; number < supervisor_.count(); ++number) {
        const WorkerProcess* process = supervisor_.find(number);
        if (process == nullptr) continue;
        ++facts_.workers_alive;
        if (process->serving) ++facts_.workers_serving;
    }
    for (const WorkerProcess& process : supervisor_.processes()) {
        if (process.leaving) ++facts_.workers_leaving;
    }
    program_.run_state.publish(facts_);
}

void Master::count_reload(bool good) {
    ++(good ? facts_.reloads_good : facts_.reloads_failed);
    facts_.last_reload_good = good;
    facts_.last_reload_ms = wall_clock_ms();
    tell_state();
}

}  // namespace ringx::proc

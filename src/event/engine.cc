#include "event/engine.h"

#include "event/epoll_engine.h"
#include "event/uring_engine.h"

namespace ringx {

void EngineCounters::add(const EngineCounters& other, bool) {
    waits.add(other.waits.value());
    buffer_parks.add(other.buffer_parks.value());
    overflows.add(other.overflows.value());
    submit_full.add(other.submit_full.value());
    completions.add(other.completions);
    turn_us.add(other.turn_us);
}

Result<std::unique_ptr<Engine>> make_engine(const EngineSettings& settings, Loop& loop) {
    CHECK(settings.choice != EngineSettings::Choice::automatic);
    if (settings.choice == EngineSettings::Choice::io_uring) return make_uring_engine(settings, loop);
    return make_epoll_engine(settings, loop);
}

}  // namespace ringx

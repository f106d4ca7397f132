#include "event/engine.h"

#include "event/epoll_engine.h"
#include "event/uring_engine.h"

namespace ringx {

Result<std::unique_ptr<Engine>> make_engine(const EngineSettings& settings, Loop& loop) {
    CHECK(settings.choice != EngineSettings::Choice::automatic);
    if (settings.choice == EngineSettings::Choice::io_uring) return make_uring_engine(settings, loop);
    return make_epoll_engine(settings, loop);
}

}  // namespace ringx

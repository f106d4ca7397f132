#include "event/engine.h"

namespace ringx {

// Weak until both engines are in the tree.
[[gnu::weak]] Result<std::unique_ptr<Engine>> make_uring_engine(const EngineSettings& settings, Loop& loop);
[[gnu::weak]] Result<std::unique_ptr<Engine>> make_epoll_engine(const EngineSettings& settings, Loop& loop);

Result<std::unique_ptr<Engine>> make_engine(const EngineSettings& settings, Loop& loop) {
    CHECK(settings.choice != EngineSettings::Choice::automatic);
    auto make = settings.choice == EngineSettings::Choice::io_uring ? &make_uring_engine : &make_epoll_engine;
    if (make == nullptr) return fail("make_engine()", ENOSYS);
    return make(settings, loop);
}

}  // namespace ringx

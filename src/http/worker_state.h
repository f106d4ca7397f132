// http/worker_state.h - what modules keep in a worker from request to request, across generations.
//
// Log buffers, counters and the like are neither the request's nor the configuration's. There is one object of each
// type, made when it is first asked for and destroyed, newest first, when the worker ends, while its loop still exists.
#pragma once

#include <memory>
#include <vector>

namespace ringx::http {

class WorkerStates {
 public:
    WorkerStates() = default;
    WorkerStates(const WorkerStates&) = delete;
    WorkerStates& operator=(const WorkerStates&) = delete;
    ~WorkerStates() {
        while (!states_.empty()) states_.pop_back();
    }

    // The object of type T; made of `arguments` if there is none yet.
    template <typename T, typename... Arguments>
    T& get(Arguments&&... arguments) {
        for (const State& state : states_) {
            if (state.type == &type_mark<T>) return *static_cast<T*>(state.object.get());
        }
        auto made = std::make_shared<T>(std::forward<Arguments>(arguments)...);
        states_.push_back({&type_mark<T>, made});
        return *made;
    }

 private:
    template <typename T>
    static constexpr char type_mark = 0;  // its address tells types apart

    struct State {
        const void* type;
        std::shared_ptr<void> object;  // knows how to destroy it
    };
    std::vector<State> states_;
};

}  // namespace ringx::http

// http/request_states.h - what modules keep of one request from moment to moment.
//
// There is one object of each type at most, made in the request's arena when it is first asked for and gone with it. A
// request has few of them, so they are a list.
#pragma once

#include "base/arena.h"

namespace ringx::http {

class RequestStates {
 public:
    bool empty() const { return first_ == nullptr; }

    // The object of type T; null when there is none yet.
    template <typename T>
    T* find() const {
        for (State* state = first_; state != nullptr; state = state->next) {
            if (state->type == &type_mark<T>) return static_cast<T*>(state->object);
        }
        return nullptr;
    }

    // The same; made if there is none.
    template <typename T>
    T& get(Arena& arena) {
        if (T* found = find<T>()) return *found;
        T* made = arena.make<T>();
        first_ = arena.make<State>(&type_mark<T>, made, first_);
        return *made;
    }

 private:
    template <typename T>
    static constexpr char type_mark = 0;  // its address tells types apart

    struct State {
        const void* type;
        void* object;
        State* next;
    };
    State* first_ = nullptr;
};

}  // namespace ringx::http

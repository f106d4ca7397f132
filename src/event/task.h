// event/task.h - a coroutine that gives a T.
//
// A task starts at once and runs until it has to wait. It is owned by the Task value; one coroutine may await it, and
// is resumed where it ends. Destroying a task that still waits for something is a CHECK failure: cancel what it waits
// for, then await it (STYLE section 2). There are no exceptions, no atomics and no threads here.
// A Conversation is a coroutine that nobody awaits: it owns itself and is gone when it ends.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "event/frames.h"

namespace ringx {

template <typename T>
class Task;

namespace task_detail {

// What the promises of all tasks have in common: frames from the recycler, one waiter, resumed at the end.
struct PromiseBase {
    static void* operator new(size_t bytes) { return allocate_frame(bytes); }
    static void operator delete(void* frame, size_t bytes) { free_frame(frame, bytes); }

    struct Finish {
        bool await_ready() const noexcept { return false; }
        template <typename Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
            auto waiter = ended.promise().waiter;
            return waiter ? waiter : std::coroutine_handle<>(std::noop_coroutine());
        }
        void await_resume() const noexcept {}
    };

    std::suspend_never initial_suspend() const noexcept { return {}; }
    Finish final_suspend() const noexcept { return {}; }
    [[noreturn]] void unhandled_exception() const noexcept { std::abort(); }

    std::coroutine_handle<> waiter;
};

template <typename T>
struct Promise : PromiseBase {
    Task<T> get_return_object();
    template <typename U>
    void return_value(U&& given) {
        value.emplace(std::forward<U>(given));
    }
    std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object();
    void return_void() const noexcept {}
};

}  // namespace task_detail

template <typename T = void>
class [[nodiscard]] Task {
 public:
    using promise_type = task_detail::Promise<T>;

    Task() = default;
    explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
    Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            destroy();
            frame_ = std::exchange(other.frame_, nullptr);
        }
        return *this;
    }
    ~Task() { destroy(); }

    explicit operator bool() const { return frame_ != nullptr; }
    bool done() const { return frame_.done(); }

    bool await_ready() const { return frame_.done(); }
    void await_suspend(std::coroutine_handle<> waiter) {
        CHECK(!frame_.promise().waiter);
        frame_.promise().waiter = waiter;
    }
    T await_resume() {
        if constexpr (!std::is_void_v<T>) return std::move(*frame_.promise().value);
    }

    // The value of a task that is done.
    T take() {
        CHECK(done());
        return await_resume();
    }

 private:
    void destroy() {
        if (!frame_) return;
        CHECK(frame_.done());
        frame_.destroy();
        frame_ = nullptr;
    }

    std::coroutine_handle<promise_type> frame_;
};

namespace task_detail {

template <typename T>
Task<T> Promise<T>::get_return_object() {
    return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() {
    return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace task_detail

// The return type of a coroutine that belongs to nobody. What it must tell at its end it tells by itself, before.
struct Conversation {
    struct promise_type {
        static void* operator new(size_t bytes) { return allocate_frame(bytes); }
        static void operator delete(void* frame, size_t bytes) { free_frame(frame, bytes); }
        Conversation get_return_object() const noexcept { return {}; }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        [[noreturn]] void unhandled_exception() const noexcept { std::abort(); }
    };
};

}  // namespace ringx

// t/unit/event/task_test.cc - every allowed shape of an await, with values that own memory.
//
// g++ 12 miscompiles some shapes silently, so those that are allowed are all written out here, each with a task that
// was done at once and with one that had to wait. Run under ASan this shows values destroyed twice or never.
#include "event/task.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ringx {
namespace {

const std::string long_text(100, 'x');  // longer than a string keeps within itself

// Closed, it holds whoever awaits it.
struct Door {
    bool open = false;
    std::vector<std::coroutine_handle<>> waiters = {};

    bool await_ready() const { return open; }
    void await_suspend(std::coroutine_handle<> who) { waiters.push_back(who); }
    void await_resume() const {}
    void let_in() {
        open = true;
        for (auto who : std::exchange(waiters, {})) who.resume();
    }
};

Task<std::string> text_from(Door& door) {
    co_await door;
    co_return long_text;
}

Task<Result<std::string>> result_from(Door& door, bool good) {
    co_await door;
    if (!good) co_return fail("test", EIO);
    co_return long_text;
}

Task<std::unique_ptr<int>> pointer_from(Door& door) {
    co_await door;
    co_return std::make_unique<int>(7);
}

Task<bool> truth_from(Door& door) {
    co_await door;
    co_return true;
}

Task<> nothing_from(Door& door) { co_await door; }

Task<std::string> declared(Door& door) {
    auto text = co_await text_from(door);
    co_return text;
}

Task<std::string> assigned(Door& door) {
    std::string text = "before";
    text = co_await text_from(door);
    co_return text;
}

Task<std::string> as_a_statement(Door& door) {
    co_await nothing_from(door);
    co_await text_from(door);
    co_return long_text;
}

Task<std::string> returned(Door& door) { co_return co_await text_from(door); }

Task<std::string> declared_in_a_condition(Door& door) {
    if (auto got = co_await result_from(door, true); got) co_return *got;
    co_return "not reached";
}

Task<std::string> failed_in_a_condition(Door& door) {
    if (auto got = co_await result_from(door, false); !got) co_return long_text;
    co_return "not reached";
}

Task<std::string> named_before_a_condition(Door& door) {
    bool truth = co_await truth_from(door);
    int rounds = 0;
    while (truth && rounds < 3) {
        truth = co_await truth_from(door);
        ++rounds;
    }
    if (rounds == 3) co_return long_text;
    co_return "not reached";
}

Task<std::string> of_an_owner(Door& door) {
    auto seven = co_await pointer_from(door);
    if (*seven == 7) co_return long_text;
    co_return "not reached";
}

Task<std::string> of_a_task_begun_before(Door& door) {
    auto first = text_from(door);
    auto second = text_from(door);
    auto text = co_await second;
    text = co_await first;
    co_return text;
}

// The argument is a name, and a value of the coroutine's own.
Task<std::string> given(Door& door, std::string text) {
    co_await door;
    co_return text;
}

Task<std::string> with_an_owner_as_argument(Door& door) {
    std::string text = long_text;
    auto got = co_await given(door, text);
    co_return got;
}

constexpr Task<std::string> (*shapes[])(Door&) = {
    declared,
    assigned,
    as_a_statement,
    returned,
    declared_in_a_condition,
    failed_in_a_condition,
    named_before_a_condition,
    of_an_owner,
    of_a_task_begun_before,
    with_an_owner_as_argument,
};

TEST(Task, every_shape_gives_its_value_at_once) {
    for (auto shape : shapes) {
        Door door{.open = true};
        auto task = shape(door);
        ASSERT_TRUE(task.done());
        EXPECT_EQ(task.take(), long_text);
    }
}

TEST(Task, every_shape_gives_its_value_after_waiting) {
    for (auto shape : shapes) {
        Door door;
        auto task = shape(door);
        ASSERT_FALSE(task.done());
        door.let_in();
        ASSERT_TRUE(task.done());
        EXPECT_EQ(task.take(), long_text);
    }
}

TEST(Task, a_value_that_nobody_takes_is_destroyed) {
    Door door{.open = true};
    auto task = pointer_from(door);
    EXPECT_TRUE(task.done());
}

TEST(Task, can_be_moved_while_it_waits) {
    Door door;
    auto task = text_from(door);
    auto moved = std::move(task);
    EXPECT_FALSE(task);
    Task<std::string> assigned_to;
    assigned_to = std::move(moved);
    door.let_in();
    EXPECT_EQ(assigned_to.take(), long_text);
}

Task<size_t> count_to(size_t limit) {
    Door open{.open = true};
    size_t count = 0;
    while (count < limit) {
        bool truth = co_await truth_from(open);
        count += truth;
    }
    co_return count;
}

TEST(Task, millions_of_awaits_that_need_not_wait_use_no_stack) {
    auto task = count_to(3'000'000);
    EXPECT_EQ(task.take(), 3'000'000u);
}

// A chain of tasks unwinds from one resume.
Task<size_t> nested(Door& door, size_t depth) {
    if (depth == 0) {
        co_await door;
        co_return 0;
    }
    auto below = co_await nested(door, depth - 1);
    co_return below + 1;
}

TEST(Task, a_chain_of_waiters_is_resumed_to_its_top) {
    Door door;
    auto task = nested(door, 100);
    door.let_in();
    EXPECT_EQ(task.take(), 100u);
}

Conversation talk(Door& door, std::shared_ptr<int> owned) {
    co_await door;
    ++*owned;
}

TEST(Conversation, owns_itself_and_goes_when_it_ends) {
    Door door;
    auto owned = std::make_shared<int>(0);
    talk(door, owned);
    EXPECT_EQ(owned.use_count(), 2);
    door.let_in();
    EXPECT_EQ(owned.use_count(), 1);
    EXPECT_EQ(*owned, 1);
}

TEST(TaskDeathTest, must_not_be_destroyed_while_it_waits) {
    Door door;
    EXPECT_DEATH({ auto task = text_from(door); }, "done");
}

TEST(Frames, are_recycled_by_size) {
    for (size_t bytes : {1u, 32u, 33u, 500u, 2048u, 2049u, 100'000u}) {
        std::vector<void*> frames;
        for (int i = 0; i < 600; ++i) {  // more than are kept
            frames.push_back(allocate_frame(bytes));
            memset(frames.back(), i, bytes);
        }
        for (void* frame : frames) free_frame(frame, bytes);
    }
}

}  // namespace
}  // namespace ringx

// t/unit/base/run_state_test.cc - readers see what was published, and see it whole.
//
// Whoever publishes is another process where that matters, and is killed in the midst of it.
#include "base/run_state.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace ringx {
namespace {

// All of it says the same number, so that halves of two do not go together.
RunState::Facts facts_of(uint32_t number) {
    RunState::Facts facts;
    facts.phase = RunState::Phase::serving;
    facts.generation = facts.workers_wanted = facts.workers_alive = number;
    facts.workers_serving = facts.workers_leaving = number;
    facts.started_ms = facts.generation_ms = facts.reloads_good = number;
    facts.reloads_failed = facts.last_reload_ms = facts.last_reload_good = number;
    facts.engine = std::to_string(number);
    facts.engine_reason = std::to_string(number);
    return facts;
}

TEST(RunState, is_starting_before_anything_is_said) {
    RunState state;
    EXPECT_EQ(state.read(), RunState::Facts());
    EXPECT_EQ(state.read().phase, RunState::Phase::starting);
    EXPECT_EQ(state.log_level(), 0);
}

TEST(RunState, says_what_was_published_last) {
    RunState state;
    for (uint32_t number : {1u, 2u, 2u, 3u}) {
        state.publish(facts_of(number));
        EXPECT_EQ(state.read(), facts_of(number));
    }
}

TEST(RunState, cuts_texts_off_that_have_no_room) {
    RunState::Facts facts;
    facts.engine = "io_uring and then some";
    EXPECT_EQ(facts.engine.view(), "io_uring and th");
    facts.engine = "epoll";
    EXPECT_EQ(facts.engine.view(), "epoll");
    EXPECT_EQ(facts.engine, RunState::Facts().engine = "epoll");  // nothing of the longer one is left
}

TEST(RunState, is_seen_by_processes_that_were_forked) {
    RunState state;
    pid_t child = fork();
    if (child == 0) {
        state.publish(facts_of(7));
        state.log_level() = 8;
        _exit(0);
    }
    waitpid(child, nullptr, 0);
    EXPECT_EQ(state.read(), facts_of(7));
    EXPECT_EQ(state.log_level(), 8);
}

TEST(RunState, is_whole_while_somebody_writes_and_after_his_death) {
    RunState state;
    state.publish(facts_of(0));
    for (uint32_t round = 1; round <= 20; ++round) {
        pid_t writer = fork();
        if (writer == 0) {
            for (uint32_t number = 1;; ++number) state.publish(facts_of(number));
        }
        for (uint32_t before = 0; before < 1000;) {
            RunState::Facts facts = state.read();
            ASSERT_EQ(facts, facts_of(facts.generation)) << "half of one, half of another";
            before = facts.generation;
        }
        kill(writer, SIGKILL);
        waitpid(writer, nullptr, 0);
        RunState::Facts left = state.read();
        ASSERT_EQ(left, facts_of(left.generation));
        ASSERT_EQ(left, state.read());
        state.publish(facts_of(round));
    }
}

}  // namespace
}  // namespace ringx

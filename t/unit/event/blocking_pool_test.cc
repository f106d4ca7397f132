// t/unit/event/blocking_pool_test.cc - jobs on other threads and their way back to the loop.
//
// Jobs that hold each other up show how many threads there are; a loop that ends with jobs waiting, running and done
// shows that the end is orderly.
#include "event/blocking_pool.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <functional>
#include <list>

#include "event/loop.h"
#include "t/unit/event/both_engines.h"

namespace ringx {
namespace {

using engine_test::engine_name;

class BlockingPoolTest : public engine_test::BothEngines {};

struct Job : BlockingJob {
    std::function<void()> on_thread = [] {};
    std::function<void()> on_loop = [] {};
    bool is_done = false;

 private:
    void work() override { on_thread(); }
    void done() override {
        is_done = true;
        on_loop();
    }
};

TEST_P(BlockingPoolTest, does_every_job_and_tells_the_loop) {
    open();
    std::list<Job> jobs(500);
    std::atomic<int> worked = 0;
    for (auto& job : jobs) {
        job.on_thread = [&] { ++worked; };
        loop.blocking().run(job);
    }
    for (auto& job : jobs) ASSERT_TRUE(until([&] { return job.is_done; }));
    EXPECT_EQ(worked, 500);
}

TEST_P(BlockingPoolTest, has_as_many_threads_as_jobs_up_to_the_limit) {
    settings.file_threads = 3;
    open();
    std::list<Job> jobs(6);
    std::atomic<int> inside = 0;
    std::atomic<int> most = 0;
    std::atomic<bool> leave = false;
    for (auto& job : jobs) {
        job.on_thread = [&] {
            int now = ++inside;
            most = std::max<int>(most, now);
            most.notify_all();
            leave.wait(false);
            --inside;
        };
        loop.blocking().run(job);
    }
    for (int seen = most; seen < 3; seen = most) most.wait(seen);
    leave = true;
    leave.notify_all();
    for (auto& job : jobs) ASSERT_TRUE(until([&] { return job.is_done; }));
    EXPECT_EQ(most, 3);
}

TEST_P(BlockingPoolTest, a_job_may_run_again_when_it_is_done) {
    open();
    Job job;
    int rounds = 0;
    job.on_loop = [&] {
        if (++rounds < 20) loop.blocking().run(job);
    };
    loop.blocking().run(job);
    EXPECT_TRUE(until([&] { return rounds == 20; }));
}

TEST_P(BlockingPoolTest, works_without_threads) {
    settings.file_threads = 0;
    open();
    Job job;
    job.on_thread = [&] { EXPECT_FALSE(job.is_done); };
    loop.blocking().run(job);
    EXPECT_FALSE(job.is_done);
    EXPECT_TRUE(until([&] { return job.is_done; }));
}

TEST_P(BlockingPoolTest, its_threads_take_no_signals) {
    open();
    Job job;
    sigset_t blocked;
    job.on_thread = [&] { pthread_sigmask(SIG_SETMASK, nullptr, &blocked); };
    loop.blocking().run(job);
    ASSERT_TRUE(until([&] { return job.is_done; }));
    for (int signal : {SIGTERM, SIGHUP, SIGCHLD, SIGUSR1}) EXPECT_TRUE(sigismember(&blocked, signal));
}

TEST_P(BlockingPoolTest, ends_with_jobs_waiting_running_and_done) {
    std::list<Job> jobs(200);
    std::atomic<int> worked = 0;
    {
        Loop own;
        ASSERT_TRUE(own.open(settings));
        for (auto& job : jobs) {
            job.on_thread = [&] { ++worked; };
            own.blocking().run(job);
        }
        own.turn(0);
    }
    int after = worked;
    EXPECT_LE(after, 200);
    for (auto& job : jobs) EXPECT_FALSE(job.linked());
}

TEST_P(BlockingPoolTest, does_what_was_left_to_it_on_its_threads) {
    open();
    std::atomic<int> elsewhere = 0;
    for (int i = 0; i < 100; ++i) {
        loop.blocking().leave([&, here = pthread_self()] { elsewhere += !pthread_equal(here, pthread_self()); });
    }
    ASSERT_TRUE(until([&] { return elsewhere == 100; }));
}

TEST_P(BlockingPoolTest, does_what_was_left_to_it_at_the_end) {
    std::atomic<int> worked = 0;
    {
        Loop own;
        ASSERT_TRUE(own.open(settings));
        for (int i = 0; i < 200; ++i) own.blocking().leave([&] { ++worked; });
    }
    EXPECT_EQ(worked, 200);
}

FOR_BOTH_ENGINES(BlockingPoolTest);

}  // namespace
}  // namespace ringx

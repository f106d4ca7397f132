// t/unit/event/uring_engine_test.cc - what is io_uring's own: full queues, few buffers posted, kernels that refuse.
//
// What both engines have in common is tested for both. Here the queues are made so small that every path around a full
// one is taken, and children with less allowed to them show what is said and done then.
#include "event/uring_engine.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <list>
#include <string>

#include "event/uring_ring.h"
#include "event/wait.h"
#include "t/unit/event/both_engines.h"

namespace ringx {
namespace {

using engine_test::send_all;
using engine_test::Tried;
using Kind = Operation::Kind;

class UringEngineTest : public engine_test::BothEngines {
 protected:
    const EngineCounters& counters() { return loop.engine().counters(); }
};

TEST_P(UringEngineTest, starts_and_cancels_get_through_a_full_queue) {
    settings.sq_entries = 4;
    settings.cq_entries = 8;
    open();
    std::list<engine_test::Pair> pairs;
    std::list<Tried> receives;
    for (int i = 0; i < 100; ++i) {
        pairs.push_back(tcp_pair());
        receives.emplace_back(loop, Kind::receive_many, pairs.back().ours.get()).start();
    }
    EXPECT_GT(counters().submit_full.value(), 0u);
    turn_idly();
    for (auto& pair : pairs) send_all(pair.theirs.get(), "x");
    for (auto& receive : receives) ASSERT_TRUE(until([&] { return receive.text == "x"; }));
    EXPECT_GT(counters().overflows.value(), 0u);
    for (auto& receive : receives) EXPECT_TRUE(receive.in_flight());

    for (auto& receive : receives) receive.cancel();
    for (auto& receive : receives) {
        ASSERT_TRUE(until([&] { return receive.over(); }));
        EXPECT_EQ(receive.result(), -ECANCELED);
    }
}

TEST_P(UringEngineTest, a_cancel_may_overtake_its_start) {
    settings.sq_entries = 1;
    settings.cq_entries = 2;
    open();
    std::list<engine_test::Pair> pairs;
    std::list<Tried> receives;
    for (int i = 0; i < 50; ++i) {
        pairs.push_back(tcp_pair());
        receives.emplace_back(loop, Kind::receive_many, pairs.back().ours.get()).start().cancel();
    }
    for (auto& receive : receives) ASSERT_TRUE(until([&] { return receive.over(); }));
    // Once answered, the same operation may start anew, although a cancel of its last life may still be on its way.
    for (auto& receive : receives) receive.start();
    for (auto& pair : pairs) send_all(pair.theirs.get(), "y");
    for (auto& receive : receives) ASSERT_TRUE(until([&] { return receive.text == "y"; }));
}

TEST_P(UringEngineTest, posts_only_a_few_buffers_of_a_large_pool) {
    settings.receive_buffers = 1024;
    open();
    turn_idly();
    EXPECT_GE(loop.engine().buffers().available(), 1024u - 128u);
}

TEST_P(UringEngineTest, a_request_on_an_idle_connection_costs_one_wait_and_no_submission) {
    open();
    auto pair = tcp_pair();
    Tried receive(loop, Kind::receive_many, pair.ours.get());
    receive.start();
    turn_idly();
    uint64_t before = counters().waits.value();
    for (size_t i = 1; i <= 100; ++i) {
        send_all(pair.theirs.get(), "r");
        loop.turn(1000);
        ASSERT_EQ(receive.text.size(), i);
    }
    EXPECT_EQ(counters().waits.value(), before + 100);
    EXPECT_EQ(counters().completions.quantile(1), 1u);
}

TEST_P(UringEngineTest, rounds_and_bounds_what_it_is_given) {
    settings.sq_entries = 3;
    settings.cq_entries = 1;
    settings.receive_buffers = 1'000'000;
    settings.receive_buffer_bytes = 1;
    open();
    EXPECT_EQ(loop.engine().buffers().count(), 32768u);
    EXPECT_EQ(loop.engine().buffers().bytes(), 64u);
}

TEST_P(UringEngineTest, serves_with_a_submission_thread_of_the_kernel) {
    settings.sqpoll = true;
    settings.sqpoll_idle_ms = 1;
    settings.sq_entries = 4;
    open();
    std::list<engine_test::Pair> pairs;
    std::list<Tried> receives;
    for (int i = 0; i < 20; ++i) {
        pairs.push_back(tcp_pair());
        receives.emplace_back(loop, Kind::receive_many, pairs.back().ours.get()).start();
    }
    for (auto& pair : pairs) send_all(pair.theirs.get(), "x");
    for (auto& receive : receives) ASSERT_TRUE(until([&] { return receive.text == "x"; }));
}

TEST_P(UringEngineTest, busy_polling_is_there_or_refused_by_name) {
    settings.napi_busy_us = 10;
    auto opened = loop.open(settings);
    if (!opened) {
        EXPECT_STREQ(opened.error().call, "io_uring_register_napi");
    }
}

// Makes io_uring_setup(2) fail with `error` in this process from now on.
void forbid_io_uring(unsigned error) {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program{.len = std::size(code), .filter = code};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

void tell_why(unsigned error) {
    forbid_io_uring(error);
    std::string reason = io_uring_unavailable().value_or("it is available");
    fwrite(reason.data(), 1, reason.size(), stderr);
    _exit(0);
}

TEST(UringDeathTest, says_why_it_is_unavailable) {
    EXPECT_EXIT(tell_why(ENOSYS), testing::ExitedWithCode(0), "^io_uring_setup\\(\\) failed \\(38: Function not");
    EXPECT_EXIT(tell_why(EPERM), testing::ExitedWithCode(0),
                "^io_uring_setup\\(\\) failed \\(1: Operation not permitted\\), (by a security policy|kernel)");
}

TEST(UringDeathTest, a_user_with_little_locked_memory_gets_a_smaller_ring) {
    if (auto reason = io_uring_unavailable()) GTEST_SKIP() << *reason;
    if (getuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
    auto become_somebody = [] {
        EngineSettings settings{.choice = EngineSettings::Choice::io_uring};
        rlimit little{.rlim_cur = 65536, .rlim_max = 65536};
        CHECK(setrlimit(RLIMIT_MEMLOCK, &little) == 0);
        uid_t whom = 100'000 + static_cast<uid_t>(getpid());  // locked memory is counted by user, and this one has none
        CHECK(setgid(whom) == 0 && setuid(whom) == 0);
        Loop own;
        auto opened = own.open(settings);
        if (!opened) _exit(opened.error().number);
        own.turn(0);
        _exit(0);
    };
    EXPECT_EXIT(become_somebody(), testing::ExitedWithCode(0), "");
}

INSTANTIATE_TEST_SUITE_P(, UringEngineTest, testing::Values(EngineSettings::Choice::io_uring),
                         engine_test::engine_name);

}  // namespace
}  // namespace ringx

// t/unit/net/splice_pipe_test.cc - bytes that go through a pipe from socket to socket, and who has which pipe.
//
// The sockets are pairs of a kind that can be filled and closed at will; that the kernel does the same with those of
// TCP is shown by t/http/test_proxy_moving.py.
#include "net/splice_pipe.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <csignal>
#include <string>
#include <vector>

#include "base/check.h"

namespace ringx {
namespace {

struct Pair {
    Pair() {
        int ends[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        near = Fd(ends[0]);
        far = Fd(ends[1]);
    }
    Fd near, far;
};

std::string received(const Fd& socket) {
    char text[256];
    ssize_t got = recv(socket.get(), text, sizeof text, 0);
    return got < 0 ? "nothing" : std::string(text, static_cast<size_t>(got));
}

void write(const Fd& socket, std::string_view text) {
    CHECK(send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

TEST(SplicePipe, what_goes_in_comes_out) {
    Pair from, to;
    std::optional<SplicePipe> pipe = SplicePipe::open();
    ASSERT_TRUE(pipe);
    write(from.far, "hello, world");
    EXPECT_EQ(pipe->fill_from(from.near.get(), 5), 5u);
    EXPECT_EQ(pipe->held(), 5u);
    EXPECT_EQ(received(from.near), ", world");
    EXPECT_EQ(pipe->drain_to(to.near.get()), 5u);
    EXPECT_EQ(pipe->held(), 0u);
    EXPECT_EQ(received(to.far), "hello");
}

TEST(SplicePipe, it_waits_for_nothing) {
    Pair from, to;
    std::optional<SplicePipe> pipe = SplicePipe::open();
    ASSERT_TRUE(pipe);
    EXPECT_EQ(pipe->fill_from(from.near.get(), 100).error().number, EAGAIN);
    EXPECT_EQ(pipe->held(), 0u);

    std::string much(1000, 'x');
    while (send(to.near.get(), much.data(), much.size(), MSG_NOSIGNAL) > 0) {
    }
    write(from.far, "a");
    EXPECT_EQ(pipe->fill_from(from.near.get(), 100), 1u);
    EXPECT_EQ(pipe->drain_to(to.near.get()).error().number, EAGAIN);
    EXPECT_EQ(pipe->held(), 1u);
}

TEST(SplicePipe, ends_and_faults_are_told) {
    Pair from, to;
    std::optional<SplicePipe> pipe = SplicePipe::open();
    ASSERT_TRUE(pipe);
    write(from.far, "a");
    from.far.reset();
    EXPECT_EQ(pipe->fill_from(from.near.get(), 100), 1u);
    to.far.reset();
    signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(pipe->drain_to(to.near.get()).error().number, EPIPE);
    Pair another;
    EXPECT_EQ(pipe->drain_to(another.near.get()), 1u);
    EXPECT_EQ(pipe->fill_from(from.near.get(), 100), 0u);
}

TEST(SplicePipes, one_that_is_empty_is_used_again) {
    SplicePipes pipes;
    SplicePipes::Taken first = pipes.take();
    const SplicePipe* was = first.get();
    first = nullptr;
    EXPECT_EQ(pipes.take().get(), was);
}

TEST(SplicePipes, what_somebody_left_in_one_is_for_nobody) {
    SplicePipes pipes;
    Pair from, to;
    write(from.far, "left");
    {
        SplicePipes::Taken pipe = pipes.take();
        ASSERT_EQ(pipe->fill_from(from.near.get(), 100), 4u);
    }
    SplicePipes::Taken next = pipes.take();
    EXPECT_EQ(next->held(), 0u);
    write(from.far, "new");
    ASSERT_EQ(next->fill_from(from.near.get(), 100), 3u);
    ASSERT_EQ(next->drain_to(to.near.get()), 3u);
    EXPECT_EQ(received(to.far), "new");
}

TEST(SplicePipes, there_are_only_so_many) {
    SplicePipes pipes;
    std::vector<SplicePipes::Taken> taken;
    while (SplicePipes::Taken pipe = pipes.take()) taken.push_back(std::move(pipe));
    EXPECT_EQ(taken.size(), 32u);
    taken.pop_back();
    EXPECT_NE(pipes.take(), nullptr);
}

TEST(SplicePipes, without_descriptors_there_are_no_more_than_there_were) {
    SplicePipes pipes;
    SplicePipes::Taken first = pipes.take();
    ASSERT_NE(first, nullptr);
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlimit none{0, limit.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_EQ(pipes.take(), nullptr);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(pipes.take(), nullptr);
    first = nullptr;
    EXPECT_NE(pipes.take(), nullptr);
}

}  // namespace
}  // namespace ringx

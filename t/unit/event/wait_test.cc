// t/unit/event/wait_test.cc - waits and receivers with real sockets, on each engine the system allows.
//
// Every test is a small conversation over a socket pair. Pools and queues are kept tiny, so that parking, re-arming and
// full queues are the rule and not the exception.
#include "event/wait.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "event/task.h"

namespace ringx {
namespace {

using Choice = EngineSettings::Choice;

struct Pair {
    Fd ours;
    Fd theirs;

    explicit Pair(int domain = AF_UNIX) {
        int ends[2];
        if (domain == AF_UNIX) {
            CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
            ours.reset(ends[0]);
            theirs.reset(ends[1]);
            return;
        }
        Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        CHECK(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
        CHECK(listen(listener.get(), 1) == 0);
        CHECK(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        theirs.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        CHECK(connect(theirs.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
        ours.reset(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        CHECK(fcntl(theirs.get(), F_SETFL, O_NONBLOCK) == 0);
    }

    void give(std::string_view text) { CHECK(::write(theirs.get(), text.data(), text.size()) == ssize_t(text.size())); }
};

struct Case {
    Choice choice;
    int domain;
};

class OnEngines : public testing::TestWithParam<Case> {
 protected:
    void SetUp() override {
        if (GetParam().choice == Choice::io_uring) {
            if (auto why = io_uring_unavailable()) GTEST_SKIP() << *why;
        }
        settings.choice = GetParam().choice;
    }

    Loop& open() {
        auto opened = loop.open(settings);
        EXPECT_TRUE(opened) << opened.error().call << " " << opened.error().number;
        return loop;
    }

    template <typename Done>
    void turn_until(Done done) {
        for (int turns = 0; !done(); ++turns) {
            ASSERT_LT(turns, 100'000);
            loop.turn(100);
        }
    }

    EngineSettings settings;
    Loop loop;
};

// What a conversation read, and how it ended.
struct Heard {
    std::string text;
    int error = 0;
    bool over = false;
    unsigned leases = 0;
};

Task<> listen_until_over(Receiver& receiver, Heard& heard, uint64_t limit_ms = no_limit) {
    for (;;) {
        auto got = co_await receiver.next(limit_ms);
        if (!got) {
            heard.error = got.error().number;
            break;
        }
        if (got->empty()) break;
        heard.text += got->view();
        ++heard.leases;
    }
    receiver.end();
    co_await receiver.ended();
    heard.over = true;
}

TEST_P(OnEngines, a_receiver_stays_armed_from_lease_to_lease) {
    open();
    Pair pair(GetParam().domain);
    Receiver receiver(loop, pair.ours.get());
    Heard heard;
    auto task = listen_until_over(receiver, heard);
    for (char letter = 'a'; letter <= 'z'; ++letter) {
        pair.give({&letter, 1});
        turn_until([&] { return !heard.text.empty() && heard.text.back() == letter; });
    }
    pair.theirs.reset();
    turn_until([&] { return heard.over; });
    EXPECT_EQ(heard.text, "abcdefghijklmnopqrstuvwxyz");
    EXPECT_EQ(heard.error, 0);
}

TEST_P(OnEngines, data_comes_before_the_end_that_arrives_with_it) {
    open();
    Pair pair(GetParam().domain);
    pair.give("the last words");
    pair.theirs.reset();
    Receiver receiver(loop, pair.ours.get());
    Heard heard;
    auto task = listen_until_over(receiver, heard);
    turn_until([&] { return heard.over; });
    EXPECT_EQ(heard.text, "the last words");
    EXPECT_EQ(heard.error, 0);
}

INSTANTIATE_TEST_SUITE_P(Sockets, OnEngines,
                         testing::Values(Case{Choice::io_uring, AF_UNIX}, Case{Choice::io_uring, AF_INET},
                                         Case{Choice::epoll, AF_UNIX}, Case{Choice::epoll, AF_INET}),
                         [](const auto& each) {
                             std::string name = each.param.choice == Choice::io_uring ? "io_uring" : "epoll";
                             return name + (each.param.domain == AF_UNIX ? "_unix" : "_tcp");
                         });

}  // namespace
}  // namespace ringx

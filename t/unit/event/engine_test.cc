// t/unit/event/engine_test.cc - what both engines promise about listeners and about their turns.
//
// The promises are those of event/operation.h and event/engine.h. Receiving, sending and files have test files of their
// own beside this one.
#include "event/engine.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <thread>

#include "t/unit/event/both_engines.h"

namespace ringx::engine_test {
namespace {

using Kind = Operation::Kind;

class EngineAccept : public BothEngines {};
class EngineTurn : public BothEngines {};

FOR_BOTH_ENGINES(EngineAccept);
FOR_BOTH_ENGINES(EngineTurn);

// --- accepting

TEST_P(EngineAccept, accepts_one_connection_and_no_more) {
    open();
    uint16_t port;
    Socket listener(loop, listen_tcp(port).release());
    Tried accept(loop, Kind::accept, listener.get());
    accept.start();
    turn_idly();
    EXPECT_FALSE(accept.answered());

    Fd first = connect_tcp(port);
    Fd second = connect_tcp(port);
    ASSERT_TRUE(until([&] { return accept.over(); }));
    turn_idly();
    ASSERT_EQ(accept.results.size(), 1u);
    Socket accepted(loop, accept.result());
    EXPECT_NE(fcntl(accepted.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(fcntl(accepted.get(), F_GETFD) & FD_CLOEXEC, 0);

    // The other one waits for the next operation.
    accept.start();
    ASSERT_TRUE(until([&] { return accept.over(); }));
    Socket other(loop, accept.result());
    EXPECT_GE(other.get(), 0);
}

TEST_P(EngineAccept, accepts_many_with_one_operation) {
    open();
    uint16_t port;
    Socket listener(loop, listen_tcp(port).release());
    std::vector<Socket> accepted;
    Tried accept(loop, Kind::accept_many, listener.get());
    accept.then = [&](Outcome outcome) {
        if (outcome.result >= 0) accepted.emplace_back(loop, outcome.result);
    };
    std::vector<Fd> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(connect_tcp(port));
    accept.start();
    ASSERT_TRUE(until([&] { return accepted.size() == 100; }));
    clients.push_back(connect_tcp(port));
    ASSERT_TRUE(until([&] { return accepted.size() == 101; }));
    EXPECT_TRUE(accept.in_flight());
    accept.cancel();
    ASSERT_TRUE(until([&] { return accept.over(); }));
    EXPECT_EQ(accept.result(), -ECANCELED);
}

TEST_P(EngineAccept, accepts_again_after_a_pause) {
    open();
    uint16_t port;
    Socket listener(loop, listen_tcp(port).release());
    for (int i = 0; i < 3; ++i) {
        Tried accept(loop, Kind::accept_many, listener.get());
        Fd client = connect_tcp(port);
        accept.start();
        ASSERT_TRUE(until([&] { return accept.answered(); })) << i;
        ASSERT_GE(accept.result(), 0);
        Socket accepted(loop, accept.results[0]);
        accept.cancel();
        ASSERT_TRUE(until([&] { return accept.over(); }));
    }
}

TEST_P(EngineAccept, ends_when_descriptors_run_out_and_can_be_started_again) {
    open();
    uint16_t port;
    Socket listener(loop, listen_tcp(port).release());
    Fd client = connect_tcp(port);
    rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    Fd highest(dup(listener.get()));
    rlimit tight = {static_cast<rlim_t>(highest.get()), before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &tight);
    Tried accept(loop, Kind::accept_many, listener.get());
    accept.start();
    bool ended = until([&] { return accept.over(); });
    setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_TRUE(ended);
    EXPECT_EQ(accept.result(), -EMFILE);

    accept.start();
    ASSERT_TRUE(until([&] { return accept.results.size() == 2; }));
    ASSERT_GE(accept.result(), 0);
    Socket accepted(loop, accept.result());
}

TEST_P(EngineAccept, tells_that_it_is_no_listener) {
    open();
    Pair pair = tcp_pair();
    Tried accept(loop, Kind::accept, pair.ours.get());
    send_all(pair.theirs.get(), "x");
    accept.start();
    ASSERT_TRUE(until([&] { return accept.over(); }));
    EXPECT_EQ(accept.result(), -EINVAL);
}

TEST_P(EngineAccept, shares_a_listener_with_another_loop) {
    open();
    Loop other;
    ASSERT_TRUE(other.open(settings));
    std::string path = testing::TempDir() + "engine_" + std::to_string(getpid());
    unlink(path.c_str());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    Socket listener(loop, socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(listener.get(), 100), 0);
    Socket shared(other, dup(listener.get()));

    size_t here = 0;
    size_t there = 0;
    Tried one(loop, Kind::accept, listener.get());
    Tried two(other, Kind::accept, shared.get());
    auto count_and_rearm = [](Tried& accept, size_t& count) {
        accept.then = [&](Outcome outcome) {
            if (outcome.result < 0) return;
            ::close(outcome.result);
            ++count;
            accept.start();
        };
        accept.start();
    };
    count_and_rearm(one, here);
    count_and_rearm(two, there);
    for (int i = 0; i < 20; ++i) {
        Fd client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    ASSERT_TRUE(until([&] {
        other.turn(0);
        return here + there == 20;
    }));
    EXPECT_GT(here, 0u);
    EXPECT_GT(there, 0u);
    unlink(path.c_str());
}

// --- turns

TEST_P(EngineTurn, never_answers_within_start) {
    open();
    uint16_t port;
    Socket listener(loop, listen_tcp(port).release());
    Fd client = connect_tcp(port);
    Tried accept(loop, Kind::accept_many, listener.get());
    Pair pair = tcp_pair();
    send_all(pair.theirs.get(), "ready");
    Tried receive(loop, Kind::receive_many, pair.ours.get());
    msghdr nothing{};
    Tried send(loop, Kind::send, pair.ours.get());
    send.message = &nothing;
    Tried bad(loop, Kind::read, -1);
    bad.data = &nothing;
    bad.bytes = 1;
    bad.offset = 0;
    for (Tried* operation : {&accept, &receive, &send, &bad}) {
        operation->start();
        EXPECT_FALSE(operation->answered());
        EXPECT_TRUE(operation->in_flight());
    }
    ASSERT_TRUE(until([&] { return accept.answered() && receive.answered() && send.over() && bad.over(); }));
    Socket accepted(loop, accept.result());
    EXPECT_EQ(receive.text, "ready");
    EXPECT_EQ(send.result(), 0);
    EXPECT_EQ(bad.result(), -EBADF);
}

TEST_P(EngineTurn, starts_operations_from_within_answers) {
    open();
    Pair pair = tcp_pair();
    Tried receive(loop, Kind::receive, pair.ours.get());
    Tried send(loop, Kind::send, pair.ours.get());
    std::string echo;
    iovec part;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    send.message = &message;
    receive.then = [&](Outcome outcome) {
        if (outcome.result <= 0) return;
        echo = std::exchange(receive.text, {});
        part = {echo.data(), echo.size()};
        send.start();
        receive.start();
    };
    receive.start();
    for (int i = 0; i < 100; ++i) {
        std::string text = pattern(static_cast<size_t>(i) + 1);
        std::string got;
        send_all(pair.theirs.get(), text);
        ASSERT_TRUE(until([&] {
            got += receive_all(pair.theirs.get());
            return got.size() >= text.size() && !send.in_flight();
        })) << i;
        ASSERT_EQ(got, text);
    }
}

TEST_P(EngineTurn, wakes_from_another_thread) {
    open();
    turn_idly();
    for (int i = 0; i < 50; ++i) {
        bool called = false;
        std::thread other([&] { loop.post([&] { called = true; }); });
        while (!called) loop.turn();  // sleeps without limit
        other.join();
    }
}

TEST_P(EngineTurn, a_wake_before_the_sleep_ends_it) {
    open();
    turn_idly();
    loop.engine().wake();
    loop.turn();  // must not hang
}

TEST_P(EngineTurn, sleeps_as_long_as_told) {
    open();
    uint64_t begin = loop.clock().now_ms();
    uint64_t waits = loop.engine().counters().waits.value();
    while (loop.clock().now_ms() < begin + 30) loop.turn(begin + 30 - loop.clock().now_ms());
    EXPECT_LT(loop.clock().now_ms() - begin, 5000u);
    // A signal may end a sleep early, but nobody spins.
    EXPECT_LT(loop.engine().counters().waits.value() - waits, 10u);
}

TEST_P(EngineTurn, serves_a_descriptor_number_that_was_used_before) {
    open();
    for (int i = 0; i < 20; ++i) {
        Pair pair = i % 2 ? tcp_pair() : unix_pair();
        Tried receive(loop, Kind::receive_many, pair.ours.get());
        receive.start();
        std::string text = pattern(10 + static_cast<size_t>(i));
        send_all(pair.theirs.get(), text);
        ASSERT_TRUE(until([&] { return receive.text.size() == text.size(); }));
        EXPECT_EQ(receive.text, text);
        receive.cancel();
        ASSERT_TRUE(until([&] { return receive.over(); }));
        send_all(pair.theirs.get(), "of no interest to the next");
    }
}

TEST_P(EngineTurn, serves_a_thousand_sockets_at_once) {
    rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
    setrlimit(RLIMIT_NOFILE, &files);
    settings.receive_buffers = 64;
    open();
    constexpr size_t count = 1000;
    std::vector<Pair> pairs;
    std::vector<std::unique_ptr<Tried>> receives;
    for (size_t i = 0; i < count; ++i) pairs.push_back(unix_pair());
    for (auto& pair : pairs) {
        receives.push_back(std::make_unique<Tried>(loop, Kind::receive_many, pair.ours.get()));
        receives.back()->start();
    }
    for (int round = 0; round < 3; ++round) {
        for (size_t i = 0; i < count; ++i) send_all(pairs[i].theirs.get(), std::to_string(i) + ";");
        loop.turn();
    }
    for (auto& pair : pairs) pair.theirs.reset();
    ASSERT_TRUE(until([&] {
        return std::all_of(receives.begin(), receives.end(), [](auto& receive) { return receive->over(); });
    }));
    for (size_t i = 0; i < count; ++i) {
        std::string once = std::to_string(i) + ";";
        ASSERT_EQ(receives[i]->text, once + once + once);
        ASSERT_EQ(receives[i]->result(), 0);
    }
    loop.turn(0);
    EXPECT_GE(loop.engine().counters().completions.sum(), count);
    EXPECT_GT(loop.engine().counters().completions.quantile(1), 1u);
}

TEST(EngineDeathTest, an_operation_destroyed_in_flight_is_a_failed_check) {
    auto destroy_in_flight = [] {
        Loop loop;
        EngineSettings settings;
        settings.choice = EngineSettings::Choice::epoll;
        CHECK(loop.open(settings));
        struct Careless : Operation {
            void complete(Outcome) override {}
        };
        Careless operation;
        operation.kind = Kind::read;
        operation.fd = -1;
        loop.engine().start(operation);
    };
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(destroy_in_flight(), "CHECK failed: !in_flight_");
}

}  // namespace
}  // namespace ringx::engine_test

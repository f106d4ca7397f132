// t/unit/net/upstream_receive_test.cc - connections to servers: what is received from them, and how waiting ends.
//
// The server is the other end of a TCP connection, in the hands of the test.
#include "net/upstream_connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "t/unit/event/both_engines.h"

namespace ringx {
namespace {

using engine_test::engine_name;
using engine_test::pattern;
using engine_test::send_all;

class UpstreamReceiveTest : public engine_test::BothEngines {
 protected:
    // A connection of ours to a listener, and the other end.
    struct Both {
        std::unique_ptr<UpstreamConnection> ours;
        Fd theirs;
    };

    Both connect(UpstreamPool& pool) {
        uint16_t port = 0;
        Fd listener = listen_tcp(port);
        std::unique_ptr<UpstreamConnection> opened;
        Task<> opening = open_to(pool, *Address::parse("127.0.0.1", port), opened);
        EXPECT_TRUE(until([&] { return opening.done(); }));
        return {std::move(opened), Fd(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC))};
    }

    static Task<> open_to(UpstreamPool& pool, Address to, std::unique_ptr<UpstreamConnection>& opened) {
        SocketRules rules;
        Wait* waiting = nullptr;
        auto made = co_await pool.open(to, rules, no_limit, waiting);
        if (made) opened = std::move(*made);
    }

    struct Received {
        Result<size_t> got = size_t{0};
        std::string text;
        bool over = false;
    };
    static Task<> receive(UpstreamConnection& connection, size_t room, Received& received, uint64_t limit_ms) {
        std::string memory(room, '\0');
        received.got = co_await connection.receive(memory, limit_ms);
        if (received.got) received.text = memory.substr(0, *received.got);
        received.over = true;
    }
    Received received(UpstreamConnection& connection, size_t room = 100, uint64_t limit_ms = no_limit) {
        Received received;
        Task<> task = receive(connection, room, received, limit_ms);
        EXPECT_TRUE(until([&] { return received.over; }));
        return received;
    }
    static Task<> take_lease(UpstreamConnection& connection, Lease& lease) {
        auto got = co_await connection.receiver().next(no_limit);
        if (got) lease = std::move(*got);
    }

    void close(UpstreamPool& pool, std::unique_ptr<UpstreamConnection> connection) {
        pool.close(std::move(connection));
        EXPECT_TRUE(until([&] { return pool.closing() == 0; }));
    }
};

TEST_P(UpstreamReceiveTest, receives_what_is_here_and_says_when_nothing_is) {
    open();
    UpstreamPool pool(loop);
    auto [ours, theirs] = connect(pool);
    char room[100];
    EXPECT_FALSE(ours->receive_now(room).has_value());
    send_all(theirs.get(), "something");
    EXPECT_EQ(received(*ours).text, "something");
    EXPECT_FALSE(ours->receive_now(room).has_value());
    theirs.reset();
    Received end = received(*ours);
    ASSERT_TRUE(end.got);
    EXPECT_EQ(*end.got, 0u);
    close(pool, std::move(ours));
}

TEST_P(UpstreamReceiveTest, gives_first_what_its_receiver_has_taken) {
    settings.receive_buffer_bytes = 16;
    open();
    UpstreamPool pool(loop);
    auto [ours, theirs] = connect(pool);
    for (int round = 0; round < 3; ++round) {
        std::string text = pattern(1000);
        Lease lease;
        Task<> head = take_lease(*ours, lease);
        send_all(theirs.get(), text);
        ASSERT_TRUE(until([&] { return head.done(); }));
        std::string heard(lease.view());
        while (heard.size() < text.size()) {
            Received part = received(*ours, 7);
            ASSERT_TRUE(part.got && *part.got > 0) << heard.size();
            heard += part.text;
        }
        EXPECT_EQ(heard, text);
    }
    close(pool, std::move(ours));
}

TEST_P(UpstreamReceiveTest, waits_within_its_limit_and_until_it_is_cancelled) {
    open();
    UpstreamPool pool(loop);
    auto [ours, theirs] = connect(pool);
    Received late = received(*ours, 100, 10);
    ASSERT_FALSE(late.got);
    EXPECT_EQ(late.got.error().number, ETIMEDOUT);

    Received cancelled;
    Task<> task = receive(*ours, 100, cancelled, no_limit);
    turn_idly();
    EXPECT_FALSE(cancelled.over);
    ours->cancel();
    ASSERT_TRUE(until([&] { return cancelled.over; }));
    ASSERT_FALSE(cancelled.got);
    EXPECT_EQ(cancelled.got.error().number, ECANCELED);
    close(pool, std::move(ours));
}

TEST_P(UpstreamReceiveTest, a_reset_is_an_error) {
    open();
    UpstreamPool pool(loop);
    auto [ours, theirs] = connect(pool);
    linger reset{.l_onoff = 1, .l_linger = 0};
    ASSERT_EQ(setsockopt(theirs.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    theirs.reset();
    Received end = received(*ours);
    ASSERT_FALSE(end.got);
    EXPECT_EQ(end.got.error().number, ECONNRESET);
    close(pool, std::move(ours));
}

FOR_BOTH_ENGINES(UpstreamReceiveTest);

}  // namespace
}  // namespace ringx

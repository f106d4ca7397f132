// net/relay_test.cc - two streams are joined: what comes goes on, ends are passed on, and silence has its limits.
//
// The sockets are real, and the test is at the far end of both. Limits are short where a test waits for them; the one
// that is not for the configuration to say is read from the timer wheel.
#include "net/relay.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>

#include "t/unit/event/both_engines.h"

namespace ringx {
namespace {

using engine_test::engine_name;
using engine_test::pattern;
using engine_test::receive_all;
using engine_test::send_all;

constexpr uint64_t hour_ms = 3600'000;

class RelayTest : public engine_test::BothEngines {
 protected:
    // A side of the relay, with its other end.
    struct Side {
        Side(Loop& loop, engine_test::Pair made) : pair(std::move(made)), stream(loop, pair.ours.get()) {}
        engine_test::Pair pair;
        Stream stream;
        int far() const { return pair.theirs.get(); }
    };

    void TearDown() override { part(); }

    void part() {
        if (relay == nullptr) return;
        relay->cancel();
        EXPECT_TRUE(until([&] { return task.done(); }));
        for (Side* side : {client.get(), server.get()}) {
            side->stream.receiver().end();
            EXPECT_TRUE(until([&] { return !side->stream.receiver().in_flight(); }));
        }
        task = {};
        relay.reset();
        client.reset();
        server.reset();
    }

    void join(uint64_t idle_limit_ms, std::string_view of_client = {}, std::string_view of_server = {}) {
        if (!is_open) open();
        is_open = true;
        client = std::make_unique<Side>(loop, unix_pair());
        server = std::make_unique<Side>(loop, unix_pair());
        relay = std::make_unique<Relay>(loop, client->stream, server->stream, idle_limit_ms);
        since_ms = loop.clock().now_ms();
        task = run(of_client, of_server);
    }
    Task<void> run(std::string_view of_client, std::string_view of_server) {
        outcome = co_await relay->run(of_client, of_server);
    }
    bool ends() {
        return until([&] { return task.done(); });
    }
    // Why it has ended; 0: in order.
    int error() const { return outcome ? 0 : outcome.error().number; }
    uint64_t lasted_ms() const { return loop.clock().now_ms() - since_ms; }
    bool hears(const Side& side, std::string_view text) {
        std::string heard;
        return until([&] {
            heard += receive_all(side.far());
            return heard.size() >= text.size();
        }) && heard == text;
    }

    std::unique_ptr<Side> client, server;
    std::unique_ptr<Relay> relay;
    Task<void> task;
    Result<> outcome;
    uint64_t since_ms = 0;
    bool is_open = false;
};

TEST_P(RelayTest, carries_both_ways_what_was_here_first) {
    join(hour_ms, "one ", "uno ");
    send_all(client->far(), "two");
    send_all(server->far(), "due");
    EXPECT_TRUE(hears(*server, "one two"));
    EXPECT_TRUE(hears(*client, "uno due"));
    EXPECT_EQ(relay->from_client(), 7u);
    EXPECT_EQ(relay->from_server(), 7u);
    EXPECT_FALSE(task.done());
}

TEST_P(RelayTest, goes_on_when_one_side_has_ended) {
    join(hour_ms);
    send_all(client->far(), "that was all");
    ASSERT_EQ(shutdown(client->far(), SHUT_WR), 0);
    EXPECT_TRUE(hears(*server, "that was all"));
    char byte;
    EXPECT_TRUE(until([&] { return recv(server->far(), &byte, 1, 0) == 0; }));
    send_all(server->far(), "not here");
    EXPECT_TRUE(hears(*client, "not here"));
    EXPECT_FALSE(task.done());
    ASSERT_EQ(shutdown(server->far(), SHUT_WR), 0);
    ASSERT_TRUE(ends());
    EXPECT_EQ(error(), 0);
}

TEST_P(RelayTest, ends_when_nobody_speaks) {
    join(20);
    ASSERT_TRUE(ends());
    EXPECT_EQ(error(), ETIMEDOUT);
    EXPECT_GE(lasted_ms(), 20u);
}

TEST_P(RelayTest, lasts_as_long_as_somebody_speaks) {
    join(60);
    Side* sides[] = {client.get(), server.get()};
    for (int i = 0; lasted_ms() < 200; ++i) {
        send_all(sides[i % 2]->far(), "x");
        ASSERT_TRUE(hears(*sides[1 - i % 2], "x"));
    }
    EXPECT_FALSE(task.done());
    ASSERT_TRUE(ends());
    EXPECT_EQ(error(), ETIMEDOUT);
    EXPECT_GE(lasted_ms(), 260u);
}

// Who has been told of an end usually ends, too; who does not is no fault.
TEST_P(RelayTest, silence_after_an_end_is_an_end) {
    join(20);
    ASSERT_EQ(shutdown(server->far(), SHUT_WR), 0);
    ASSERT_TRUE(ends());
    EXPECT_EQ(error(), 0);
}

TEST_P(RelayTest, silence_after_an_end_is_not_waited_for_as_long) {
    join(hour_ms);
    loop.turn(0);
    EXPECT_GT(loop.timers().next_ms(), loop.clock().now_ms() + Relay::end_limit_ms);
    ASSERT_EQ(shutdown(server->far(), SHUT_WR), 0);
    char byte;
    EXPECT_TRUE(until([&] { return recv(client->far(), &byte, 1, 0) == 0; }));
    EXPECT_LE(loop.timers().next_ms(), loop.clock().now_ms() + Relay::end_limit_ms);
    EXPECT_FALSE(task.done());
}

TEST_P(RelayTest, a_fault_of_one_side_ends_both) {
    join(hour_ms);
    send_all(server->far(), "nobody reads this");
    EXPECT_TRUE(until([&] { return relay->from_server() > 0; }));
    client->pair.theirs.reset();  // which resets it
    ASSERT_TRUE(ends());
    EXPECT_EQ(error(), ECONNRESET);
}

TEST_P(RelayTest, can_be_cancelled_at_any_time) {
    for (int turns = 0; turns < 6; ++turns) {
        join(hour_ms, "first");
        send_all(client->far(), "second");
        for (int i = 0; i < turns; ++i) loop.turn(0);
        relay->cancel();
        relay->cancel();
        ASSERT_TRUE(ends()) << turns;
        EXPECT_EQ(error(), ECANCELED);
        part();
    }
}

// A side that takes nothing slows the other one down, keeps no buffer of the pool, and does not stop what comes back.
TEST_P(RelayTest, waits_for_whoever_takes_slowly) {
    join(hour_ms);
    const std::string all = pattern(4 << 20);
    size_t said = 0;
    auto say = [&] {
        while (said < all.size()) {
            ssize_t sent = send(client->far(), all.data() + said, all.size() - said, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent <= 0) return;
            said += static_cast<size_t>(sent);
        }
    };
    for (int i = 0; i < 1000; ++i) {
        say();
        loop.turn(0);
    }
    EXPECT_LT(said, all.size());
    EXPECT_LT(said, 2u << 20);
    send_all(server->far(), "slowly");
    EXPECT_TRUE(hears(*client, "slowly"));
    std::string heard;
    EXPECT_TRUE(until([&] {
        say();
        heard += receive_all(server->far());
        return heard.size() == all.size();
    }));
    EXPECT_EQ(heard, all);
    EXPECT_EQ(relay->from_client(), all.size());
}

FOR_BOTH_ENGINES(RelayTest);

}  // namespace
}  // namespace ringx

// t/unit/net/upstream_connection_test.cc - connections that wait for another request: who is given which, and what
// becomes of those that nobody takes.
//
// The server is the other end of a pair of sockets, which says nothing and may close it.
#include "net/upstream_connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "t/unit/event/both_engines.h"

namespace ringx {
namespace {

using engine_test::engine_name;

class UpstreamPoolTest : public engine_test::BothEngines {
 protected:
    void SetUp() override {
        BothEngines::SetUp();
        if (IsSkipped()) return;
        open();
        pool = std::make_unique<UpstreamPool>(loop);
    }
    void TearDown() override {
        if (pool == nullptr) return;
        pool->drain();
        EXPECT_TRUE(until([&] { return pool->closing() == 0; }));
    }

    std::unique_ptr<UpstreamConnection> connect(Fd& server) {
        int ends[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        server = Fd(ends[1]);
        return std::make_unique<UpstreamConnection>(loop, ends[0]);
    }

    std::unique_ptr<UpstreamPool> pool;
};

TEST_P(UpstreamPoolTest, a_connection_is_for_who_opens_one_with_the_same_key) {
    Fd one, other;
    auto made = connect(one);
    const UpstreamConnection* first = made.get();
    pool->keep(std::move(made), "group", "a", {});
    pool->keep(connect(other), "group", "b", {});
    EXPECT_EQ(pool->take("group", "c"), nullptr);
    EXPECT_EQ(pool->take("another", "a"), nullptr);
    auto taken = pool->take("group", "a");
    EXPECT_EQ(taken.get(), first);
    EXPECT_EQ(pool->take("group", "a"), nullptr);
    EXPECT_EQ(pool->idle(), 1u);
    pool->close(std::move(taken));
}

TEST_P(UpstreamPoolTest, who_waits_longest_leaves_when_there_are_too_many) {
    Fd servers[3];
    const UpstreamConnection* made[3];
    for (size_t i = 0; i < 3; ++i) {
        auto connection = connect(servers[i]);
        made[i] = connection.get();
        pool->keep(std::move(connection), "group", "key", {.connections = 2});
    }
    EXPECT_EQ(pool->idle(), 2u);
    auto newest = pool->take("group", "key"), older = pool->take("group", "key");
    EXPECT_EQ(newest.get(), made[2]);
    EXPECT_EQ(older.get(), made[1]);
    pool->close(std::move(newest));
    pool->close(std::move(older));
}

TEST_P(UpstreamPoolTest, one_that_the_server_ends_is_not_given_to_anybody) {
    Fd server;
    pool->keep(connect(server), "group", "key", {});
    server = Fd();
    EXPECT_TRUE(until([&] { return pool->idle() == 0; }));
    EXPECT_EQ(pool->take("group", "key"), nullptr);
}

TEST_P(UpstreamPoolTest, one_that_speaks_without_being_asked_is_not_given_to_anybody) {
    Fd server;
    pool->keep(connect(server), "group", "key", {});
    engine_test::send_all(server.get(), "nobody has asked");
    EXPECT_TRUE(until([&] { return pool->idle() == 0; }));
    EXPECT_EQ(pool->take("group", "key"), nullptr);
}

TEST_P(UpstreamPoolTest, nothing_is_kept_beyond_its_limits) {
    auto is_kept = [&](const IdleLimits& limits, int requests = 0) {
        Fd server;
        auto made = connect(server);
        for (int i = 0; i < requests; ++i) made->count_request();
        pool->keep(std::move(made), "group", "key", limits);
        auto taken = pool->take("group", "key");
        bool was_kept = taken != nullptr;
        if (was_kept) pool->close(std::move(taken));
        return was_kept;
    };
    EXPECT_TRUE(is_kept({}));
    EXPECT_FALSE(is_kept({.connections = 0}));
    EXPECT_TRUE(is_kept({.requests = 3}, 2));
    EXPECT_FALSE(is_kept({.requests = 3}, 3));
    EXPECT_FALSE(is_kept({.age = std::chrono::milliseconds(0)}));

    Fd server;
    pool->keep(connect(server), "group", "key", {.idle = std::chrono::milliseconds(30)});
    EXPECT_EQ(pool->idle(), 1u);
    EXPECT_TRUE(until([&] { return pool->idle() == 0; })) << "it waits for longer than allowed";
}

// Where requests name hosts, clients decide how many there are.
TEST_P(UpstreamPoolTest, hosts_are_forgotten_when_nothing_waits_for_them) {
    for (int i = 0; i < 1000; ++i) {
        Fd server;
        std::string host = "host" + std::to_string(i);
        pool->keep(connect(server), host, "key", {});
        auto taken = pool->take(host, "key");
        ASSERT_NE(taken, nullptr);
        pool->close(std::move(taken));
        ASSERT_TRUE(until([&] { return pool->closing() == 0; }));
    }
    EXPECT_LE(pool->groups(), 64u);
}

FOR_BOTH_ENGINES(UpstreamPoolTest);

}  // namespace
}  // namespace ringx

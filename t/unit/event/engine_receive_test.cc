// t/unit/event/engine_receive_test.cc - what both engines promise about receiving.
//
// Bytes arrive in order and once, whatever the buffers; their end is told after them; a pool without buffers delays and
// loses nothing.
#include <sys/socket.h>

#include "t/unit/event/both_engines.h"

namespace ringx::engine_test {
namespace {

using Kind = Operation::Kind;

class EngineReceive : public BothEngines {};

FOR_BOTH_ENGINES(EngineReceive);

TEST_P(EngineReceive, receives_what_came_before_and_after_the_start) {
    open();
    Pair pair = tcp_pair();
    Tried receive(loop, Kind::receive, pair.ours.get());
    for (std::string_view text : {"early", "bird"}) {
        send_all(pair.theirs.get(), text);
        receive.start();
        ASSERT_TRUE(until([&] { return receive.over(); }));
        EXPECT_EQ(receive.result(), static_cast<int>(text.size()));
    }
    receive.start();
    turn_idly();
    EXPECT_TRUE(receive.in_flight());
    send_all(pair.theirs.get(), "late");
    ASSERT_TRUE(until([&] { return receive.over(); }));
    EXPECT_EQ(receive.text, "earlybirdlate");
}

TEST_P(EngineReceive, receives_many_into_few_tiny_buffers) {
    for (uint32_t buffers : {2u, 3u, 4u}) {
        Loop own;
        settings.receive_buffers = buffers;
        settings.receive_buffer_bytes = 64;
        ASSERT_TRUE(own.open(settings));
        int fds[2];
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        Socket ours(own, fds[0]);
        Fd theirs(fds[1]);
        std::string text = pattern(10000);
        Tried receive(own, Kind::receive_many, ours.get());
        receive.start();
        send_all(theirs.get(), text);
        theirs.reset();
        for (int i = 0; i < 1000 && !receive.over(); ++i) own.turn(100);
        EXPECT_EQ(receive.text, text) << buffers;
        EXPECT_EQ(receive.result(), 0);
        EXPECT_TRUE(receive.over());
    }
}

TEST_P(EngineReceive, parks_without_buffers_until_one_comes_back) {
    settings.receive_buffers = 2;
    settings.receive_buffer_bytes = 64;
    open();
    Pair greedy = unix_pair();
    Pair modest = unix_pair();
    std::string text = pattern(300);
    Tried first(loop, Kind::receive_many, greedy.ours.get());
    first.hold = true;
    first.start();
    send_all(greedy.theirs.get(), text);
    ASSERT_TRUE(until([&] { return first.held.size() == 2; }));

    Tried second(loop, Kind::receive, modest.ours.get());
    second.start();
    send_all(modest.theirs.get(), "please");
    turn_idly();
    EXPECT_TRUE(first.in_flight());
    EXPECT_FALSE(second.answered());
    EXPECT_GT(loop.engine().counters().buffer_parks.value(), 0u);

    first.hold = false;
    first.held.clear();
    ASSERT_TRUE(until([&] { return second.over() && first.text.size() == text.size(); }));
    EXPECT_EQ(second.text, "please");
    EXPECT_EQ(first.text, text);
}

TEST_P(EngineReceive, cancels_a_parked_receive) {
    settings.receive_buffers = 2;
    settings.receive_buffer_bytes = 64;
    open();
    Pair pair = unix_pair();
    Tried receive(loop, Kind::receive_many, pair.ours.get());
    receive.hold = true;
    receive.start();
    send_all(pair.theirs.get(), pattern(300));
    ASSERT_TRUE(until([&] { return receive.held.size() == 2; }));
    turn_idly();
    receive.cancel();
    ASSERT_TRUE(until([&] { return receive.over(); }));
    EXPECT_EQ(receive.result(), -ECANCELED);
    EXPECT_EQ(receive.text, pattern(128));
}

TEST_P(EngineReceive, tells_the_end_after_all_data_and_in_order) {
    open();
    for (bool tcp : {true, false}) {
        Pair pair = tcp ? tcp_pair() : unix_pair();
        Tried receive(loop, Kind::receive_many, pair.ours.get());
        std::string text = pattern(100000);
        receive.start();
        send_all(pair.theirs.get(), text);
        pair.theirs.reset();
        ASSERT_TRUE(until([&] { return receive.over(); }));
        EXPECT_EQ(receive.result(), 0);
        EXPECT_EQ(receive.text, text);
    }
}

TEST_P(EngineReceive, tells_the_end_whatever_the_length_and_whenever_it_comes) {
    settings.receive_buffer_bytes = 64;
    open();
    for (size_t bytes : {0u, 1u, 63u, 64u, 65u, 127u, 128u, 129u}) {
        for (int end_after_turns : {0, 1, 3}) {
            for (bool end_first : {true, false}) {
                Pair pair = tcp_pair();
                Tried receive(loop, Kind::receive_many, pair.ours.get());
                std::string text = pattern(bytes);
                if (!end_first) receive.start();
                if (bytes > 0) send_all(pair.theirs.get(), text);
                for (int i = 0; i < end_after_turns; ++i) loop.turn(0);
                shutdown(pair.theirs.get(), SHUT_WR);
                if (end_first) receive.start();
                ASSERT_TRUE(until([&] { return receive.over(); })) << bytes;
                EXPECT_EQ(receive.result(), 0);
                EXPECT_EQ(receive.text, text);
            }
        }
    }
}

TEST_P(EngineReceive, serves_others_during_a_flood) {
    settings.receive_buffer_bytes = 64;
    open();
    Pair flooding = unix_pair();
    Pair modest = unix_pair();
    std::string text = pattern(100000);
    send_all(flooding.theirs.get(), text);
    send_all(modest.theirs.get(), "please");
    Tried flood(loop, Kind::receive_many, flooding.ours.get());
    Tried other(loop, Kind::receive, modest.ours.get());
    size_t before_other = 0;
    other.then = [&](Outcome) { before_other = flood.text.size(); };
    flood.start();
    other.start();
    ASSERT_TRUE(until([&] { return other.over() && flood.text.size() == text.size(); }));
    EXPECT_LT(before_other, text.size() / 2);
    EXPECT_EQ(flood.text, text);
}

TEST_P(EngineReceive, tells_the_end_to_each_later_operation) {
    open();
    Pair pair = tcp_pair();
    pair.theirs.reset();
    for (Kind kind : {Kind::receive, Kind::receive_many, Kind::receive}) {
        Tried receive(loop, kind, pair.ours.get());
        receive.start();
        ASSERT_TRUE(until([&] { return receive.over(); }));
        EXPECT_EQ(receive.result(), 0);
    }
}

TEST_P(EngineReceive, keeps_sending_when_the_peer_has_finished) {
    open();
    Pair pair = tcp_pair();
    Tried receive(loop, Kind::receive_many, pair.ours.get());
    receive.start();
    send_all(pair.theirs.get(), "question");
    shutdown(pair.theirs.get(), SHUT_WR);
    ASSERT_TRUE(until([&] { return receive.over(); }));
    EXPECT_EQ(receive.text, "question");

    char answer[] = "answer";
    iovec part = {answer, 6};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    Tried send(loop, Kind::send, pair.ours.get());
    send.message = &message;
    send.start();
    ASSERT_TRUE(until([&] { return send.over(); }));
    EXPECT_EQ(send.result(), 6);
    EXPECT_EQ(receive_all(pair.theirs.get()), "answer");
}

TEST_P(EngineReceive, tells_a_reset) {
    open();
    for (Kind kind : {Kind::receive, Kind::receive_many, Kind::receive_into}) {
        Pair pair = tcp_pair();
        char byte;
        Tried receive(loop, kind, pair.ours.get());
        if (kind == Kind::receive_into) {
            receive.data = &byte;
            receive.bytes = 1;
        }
        receive.start();
        turn_idly();
        linger now = {1, 0};
        setsockopt(pair.theirs.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        pair.theirs.reset();
        ASSERT_TRUE(until([&] { return receive.over(); }));
        EXPECT_EQ(receive.result(), -ECONNRESET);
    }
}

TEST_P(EngineReceive, receives_into_the_callers_memory) {
    open();
    Pair pair = tcp_pair();
    std::string into(10, '.');
    Tried receive(loop, Kind::receive_into, pair.ours.get());
    receive.data = into.data();
    receive.bytes = 4;
    receive.start();
    turn_idly();
    EXPECT_FALSE(receive.answered());
    send_all(pair.theirs.get(), "abcdef");
    ASSERT_TRUE(until([&] { return receive.over(); }));
    EXPECT_EQ(receive.result(), 4);

    receive.data = into.data() + 4;
    receive.bytes = 6;
    receive.start();
    ASSERT_TRUE(until([&] { return receive.over(); }));
    EXPECT_EQ(receive.result(), 2);
    EXPECT_EQ(into, "abcdef....");
}

TEST_P(EngineReceive, receives_each_of_two_datagrams) {
    open();
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
    Socket ours(loop, fds[0]);
    Fd theirs(fds[1]);
    Tried receive(loop, Kind::receive, ours.get());
    receive.then = [&](Outcome outcome) {
        if (outcome.result > 0 && receive.results.size() < 3) receive.start();
    };
    receive.start();
    for (std::string_view text : {"one", "two", "three"}) send_all(theirs.get(), text);
    ASSERT_TRUE(until([&] { return receive.results.size() == 3; }));
    EXPECT_EQ(receive.text, "onetwothree");
}

}  // namespace
}  // namespace ringx::engine_test

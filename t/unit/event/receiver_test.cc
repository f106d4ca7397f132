// t/unit/event/receiver_test.cc - receivers over real sockets, on both engines.
//
// Pools and queues are kept tiny where it matters, so that parking and arming again are the rule and not the exception.
// Whatever happens, the bytes of a stream arrive once and in order, and its end after them.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <list>
#include <string>

#include "event/task.h"
#include "event/wait.h"
#include "t/unit/event/both_engines.h"

namespace ringx {
namespace {

using engine_test::engine_name;
using engine_test::pattern;
using engine_test::send_all;

// What a conversation heard, and how it ended.
struct Heard {
    std::string text;
    unsigned leases = 0;
    int error = 0;
    bool over = false;
};

// Listens until the end of the stream or an error, and leaves in order.
Task<> listen(Receiver& receiver, Heard& heard, uint64_t limit_ms = no_limit) {
    for (;;) {
        auto got = co_await receiver.next(limit_ms);
        if (!got) heard.error = got.error().number;
        if (!got || got->empty()) break;
        heard.text += got->view();
        ++heard.leases;
    }
    receiver.end();
    co_await receiver.ended();
    heard.over = true;
}

Task<> once(Receiver& receiver, Heard& heard, uint64_t limit_ms) {
    auto got = co_await receiver.next(limit_ms);
    heard.error = got ? 0 : got.error().number;
    if (got) heard.text += got->view();
    heard.over = true;
}

class ReceiverTest : public engine_test::BothEngines {
 protected:
    // Ends it from outside and waits until the kernel has let go.
    void leave(Receiver& receiver) {
        receiver.end();
        ASSERT_TRUE(until([&] { return !receiver.in_flight(); }));
    }

    // Sixty sockets on a loop of their own.
    void crowd(bool tcp) {
        Loop own;
        ASSERT_TRUE(own.open(settings));
        std::string text = pattern(3000);
        std::list<engine_test::Socket> ours;
        std::list<Fd> theirs;
        std::list<Receiver> receivers;
        std::list<Heard> heard;
        std::list<Task<>> tasks;
        for (int i = 0; i < 60; ++i) {
            auto pair = tcp ? tcp_pair() : unix_pair();
            ours.emplace_back(own, dup(pair.ours.get()));
            theirs.push_back(std::move(pair.theirs));
            tasks.push_back(listen(receivers.emplace_back(own, ours.back().get()), heard.emplace_back()));
        }
        for (size_t at = 0; at < text.size(); at += 1000) {
            for (auto& each : theirs) send_all(each.get(), std::string_view(text).substr(at, 1000));
            own.turn(0);
        }
        theirs.clear();
        for (auto& each : heard) {
            for (int turns = 0; !each.over && turns < 1000; ++turns) own.turn(20);
            ASSERT_TRUE(each.over);
            EXPECT_EQ(each.text, text);
            EXPECT_EQ(each.error, 0);
        }
    }
};

TEST_P(ReceiverTest, stays_armed_from_lease_to_lease) {
    open();
    auto pair = tcp_pair();
    Receiver receiver(loop, pair.ours.get());
    Heard heard;
    auto task = listen(receiver, heard);
    for (char letter = 'a'; letter <= 'z'; ++letter) {
        send_all(pair.theirs.get(), {&letter, 1});
        ASSERT_TRUE(until([&] { return heard.text.ends_with(letter); }));
        EXPECT_TRUE(receiver.in_flight());
    }
    pair.theirs.reset();
    ASSERT_TRUE(until([&] { return heard.over; }));
    EXPECT_EQ(heard.text, "abcdefghijklmnopqrstuvwxyz");
    EXPECT_EQ(heard.error, 0);
}

TEST_P(ReceiverTest, gives_data_before_the_end_that_came_with_it) {
    open();
    for (bool tcp : {true, false}) {
        auto pair = tcp ? tcp_pair() : unix_pair();
        send_all(pair.theirs.get(), "the last words");
        pair.theirs.reset();
        Receiver receiver(loop, pair.ours.get());
        Heard heard;
        auto task = listen(receiver, heard);
        ASSERT_TRUE(until([&] { return heard.over; }));
        EXPECT_EQ(heard.text, "the last words");
        EXPECT_EQ(heard.error, 0);
    }
}

TEST_P(ReceiverTest, notices_data_and_the_end_while_nobody_waits) {
    open();
    auto pair = tcp_pair();
    Receiver receiver(loop, pair.ours.get());
    Heard first;
    send_all(pair.theirs.get(), "first");
    auto task = once(receiver, first, no_limit);
    ASSERT_TRUE(until([&] { return first.over; }));
    EXPECT_FALSE(receiver.ready());

    receiver.watch();
    send_all(pair.theirs.get(), "second");
    ASSERT_TRUE(until([&] { return receiver.ready(); }));
    pair.theirs.reset();
    ASSERT_TRUE(until([&] { return !receiver.in_flight(); }));
    Heard rest;
    auto remaining = listen(receiver, rest);
    EXPECT_TRUE(remaining.done());
    EXPECT_EQ(rest.text, "second");
}

TEST_P(ReceiverTest, arms_nothing_after_the_first_bytes_unless_there_may_be_more) {
    settings.receive_buffer_bytes = 64;
    open();
    for (bool may_be_more : {false, true}) {
        auto pair = tcp_pair();
        Receiver receiver(loop, pair.ours.get());
        Heard first;
        send_all(pair.theirs.get(), pattern(may_be_more ? 64 : 63));
        auto task = once(receiver, first, no_limit);
        ASSERT_TRUE(until([&] { return first.over; }));
        EXPECT_EQ(receiver.in_flight(), may_be_more);
        leave(receiver);
    }
}

TEST_P(ReceiverTest, stops_listening_when_nobody_takes) {
    settings.receive_buffers = 1000;
    settings.receive_buffer_bytes = 64;
    open();
    auto pair = tcp_pair();
    Receiver receiver(loop, pair.ours.get());
    Heard first;
    auto task = once(receiver, first, no_limit);
    std::string text = pattern(40'000);
    send_all(pair.theirs.get(), text);
    ASSERT_TRUE(until([&] { return first.over && !receiver.in_flight(); }));
    turn_idly();
    EXPECT_FALSE(receiver.in_flight());
    // A few are held; the kernel may have filled a few more before it was told.
    EXPECT_GT(loop.engine().buffers().available(), 1000u - 300u);

    pair.theirs.reset();
    Heard rest;
    auto remaining = listen(receiver, rest);
    ASSERT_TRUE(until([&] { return rest.over; }));
    EXPECT_EQ(first.text + rest.text, text);
}

TEST_P(ReceiverTest, leaves_the_buffers_to_others_when_nobody_takes) {
    settings.receive_buffers = 64;
    settings.receive_buffer_bytes = 64;
    open();
    std::string text = pattern(4'000);
    std::list<engine_test::Pair> pairs;
    std::list<Receiver> receivers;
    std::list<Heard> heard;
    std::list<Task<>> tasks;
    for (int i = 0; i < 40; ++i) {  // four buffers for each of them would be more than there are
        pairs.push_back(tcp_pair());
        send_all(pairs.back().theirs.get(), text);
        tasks.push_back(once(receivers.emplace_back(loop, pairs.back().ours.get()), heard.emplace_back(), no_limit));
        ASSERT_TRUE(until([&] { return heard.back().over; }));
    }
    turn_idly();
    auto other = tcp_pair();
    Receiver receiver(loop, other.ours.get());
    Heard news;
    auto task = once(receiver, news, no_limit);
    send_all(other.theirs.get(), "news");
    ASSERT_TRUE(until([&] { return news.over; }));
    EXPECT_EQ(news.text, "news");
    leave(receiver);

    // What was copied comes in its place, before what a look would see.
    for (auto& one : receivers) {
        one.rest();
        ASSERT_TRUE(until([&] { return !one.in_flight(); }));
        one.look();
    }
    auto each = heard.begin();
    for (auto& pair : pairs) pair.theirs.reset();
    for (auto& one : receivers) {
        Heard rest;
        auto remaining = listen(one, rest);
        ASSERT_TRUE(until([&] { return rest.over; }));
        EXPECT_EQ(each++->text + rest.text, text);
    }
}

TEST_P(ReceiverTest, a_limit_ends_the_wait_and_not_the_receiving) {
    open();
    auto pair = tcp_pair();
    Receiver receiver(loop, pair.ours.get());
    for (const char* word : {"one", "two", "three"}) {
        Heard nothing;
        uint64_t began = loop.clock().now_ms();
        auto task = once(receiver, nothing, 15);
        ASSERT_TRUE(until([&] { return nothing.over; }));
        EXPECT_EQ(nothing.error, ETIMEDOUT);
        EXPECT_GE(loop.clock().now_ms(), began + 15);
        EXPECT_TRUE(receiver.in_flight());

        send_all(pair.theirs.get(), word);
        Heard heard;
        auto again = once(receiver, heard, 10'000);
        ASSERT_TRUE(until([&] { return heard.over; }));
        EXPECT_EQ(heard.text, word);
    }
    leave(receiver);
}

TEST_P(ReceiverTest, end_wakes_who_waits_and_refuses_who_comes_later) {
    open();
    auto pair = tcp_pair();
    Receiver receiver(loop, pair.ours.get());
    Heard waiting;
    auto task = listen(receiver, waiting);
    turn_idly();
    receiver.end();
    ASSERT_TRUE(until([&] { return waiting.over; }));
    EXPECT_EQ(waiting.error, ECANCELED);
    Heard later;
    auto refused = once(receiver, later, no_limit);
    EXPECT_TRUE(refused.done());
    EXPECT_EQ(later.error, ECANCELED);
}

TEST_P(ReceiverTest, what_is_held_can_be_taken_after_the_end) {
    open();
    auto pair = tcp_pair();
    Receiver receiver(loop, pair.ours.get());
    Heard first;
    send_all(pair.theirs.get(), "first");
    auto task = once(receiver, first, no_limit);
    ASSERT_TRUE(until([&] { return first.over; }));
    receiver.watch();
    send_all(pair.theirs.get(), "second");
    ASSERT_TRUE(until([&] { return receiver.ready(); }));
    leave(receiver);
    Heard rest;
    auto remaining = listen(receiver, rest);
    EXPECT_TRUE(remaining.done());
    EXPECT_EQ(rest.text, "second");
    EXPECT_EQ(rest.error, ECANCELED);
}

TEST_P(ReceiverTest, gives_back_what_nobody_took) {
    settings.receive_buffers = 4;
    open();
    auto pair = tcp_pair();
    {
        Receiver receiver(loop, pair.ours.get());
        Heard first;
        send_all(pair.theirs.get(), "first");
        auto task = once(receiver, first, no_limit);
        ASSERT_TRUE(until([&] { return first.over; }));
        receiver.watch();
        send_all(pair.theirs.get(), "second");
        ASSERT_TRUE(until([&] { return receiver.ready(); }));
        leave(receiver);
    }
    std::list<Receiver> receivers;
    std::list<Heard> heard;
    std::list<Task<>> tasks;
    std::list<engine_test::Pair> pairs;
    for (int i = 0; i < 4; ++i) {  // needs all four buffers
        pairs.push_back(tcp_pair());
        send_all(pairs.back().theirs.get(), "x");
        tasks.push_back(once(receivers.emplace_back(loop, pairs.back().ours.get()), heard.emplace_back(), no_limit));
    }
    for (auto& each : heard) ASSERT_TRUE(until([&] { return each.over; }));
    for (auto& each : receivers) leave(each);
    receivers.clear();
}

TEST_P(ReceiverTest, tells_an_error_again_and_again) {
    open();
    auto pair = tcp_pair();
    Receiver receiver(loop, pair.ours.get());
    linger at_once{.l_onoff = 1, .l_linger = 0};
    ASSERT_EQ(setsockopt(pair.theirs.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    pair.theirs.reset();
    for (int i = 0; i < 3; ++i) {
        Heard heard;
        auto task = once(receiver, heard, no_limit);
        ASSERT_TRUE(until([&] { return heard.over; }));
        EXPECT_EQ(heard.error, ECONNRESET);
    }
}

// Many sockets, few and tiny buffers, a submission queue of four and a completion queue of eight: nothing is lost, and
// the order of a stream is kept.
TEST_P(ReceiverTest, crowds_get_through_tiny_pools_and_queues) {
    settings.receive_buffer_bytes = 64;
    settings.sq_entries = 4;
    settings.cq_entries = 8;
    open();
    for (uint32_t buffers : {2u, 3u, 4u}) {
        settings.receive_buffers = buffers;
        for (bool tcp : {true, false}) crowd(tcp);
    }
}

// Who reads large things himself finds nothing armed then, and small ones do not need it armed anew each time.
TEST_P(ReceiverTest, is_not_armed_behind_a_full_buffer_once_it_has_rested) {
    settings.receive_buffer_bytes = 64;
    open();
    auto pair = tcp_pair();
    Receiver receiver(loop, pair.ours.get());
    auto hear = [&](std::string_view text) {
        Heard heard;
        send_all(pair.theirs.get(), text);
        auto task = once(receiver, heard, no_limit);
        EXPECT_TRUE(until([&] { return heard.over; }));
        return heard.text;
    };
    EXPECT_EQ(hear("first"), "first");
    EXPECT_EQ(hear("second"), "second");
    EXPECT_TRUE(receiver.in_flight());
    receiver.rest();
    ASSERT_TRUE(until([&] { return !receiver.in_flight(); }));

    std::string large = pattern(100);
    EXPECT_EQ(hear(large), large.substr(0, 64));
    turn_idly();
    EXPECT_FALSE(receiver.in_flight());
    char rest[100];
    EXPECT_EQ(recv(pair.ours.get(), rest, sizeof rest, MSG_DONTWAIT), 36);

    EXPECT_EQ(hear("small"), "small");
    EXPECT_EQ(hear("as well"), "as well");
    EXPECT_TRUE(receiver.in_flight());
    leave(receiver);
}

TEST_P(ReceiverTest, looks_when_it_is_asked_to_and_is_not_told_of_anything_meanwhile) {
    open();
    auto pair = tcp_pair();
    Receiver receiver(loop, pair.ours.get());
    Heard first, second, third;
    auto task = once(receiver, first, no_limit);
    send_all(pair.theirs.get(), "one");
    ASSERT_TRUE(until([&] { return first.over; }));
    receiver.watch();
    receiver.rest();
    ASSERT_TRUE(until([&] { return !receiver.in_flight(); }));
    loop.engine().unwatch(pair.ours.get());
    receiver.look();
    EXPECT_FALSE(receiver.ready());
    send_all(pair.theirs.get(), "two");
    for (int turns = 0; turns < 3; ++turns) loop.turn(0);
    EXPECT_FALSE(receiver.ready());
    BufferPool& pool = loop.engine().buffers();
    std::list<int32_t> taken;
    for (int32_t buffer = pool.take(); buffer >= 0; buffer = pool.take()) taken.push_back(buffer);
    receiver.look();
    EXPECT_FALSE(receiver.ready());
    for (int32_t buffer : taken) pool.give_back(buffer);
    receiver.look();
    ASSERT_TRUE(receiver.ready());
    task = once(receiver, second, no_limit);
    EXPECT_EQ(second.text, "two");

    // What is there already, and what comes later, is noticed by who waits.
    send_all(pair.theirs.get(), "three");
    task = once(receiver, third, no_limit);
    ASSERT_TRUE(until([&] { return third.over; }));
    task = once(receiver, third, no_limit);
    send_all(pair.theirs.get(), ", four");
    ASSERT_TRUE(until([&] { return third.text == "three, four"; }));
    leave(receiver);
}

TEST_P(ReceiverTest, a_look_sees_the_end_and_its_reason) {
    open();
    for (bool is_reset : {false, true}) {
        auto pair = tcp_pair();
        Receiver receiver(loop, pair.ours.get());
        linger none{.l_onoff = is_reset ? 1 : 0, .l_linger = 0};
        ASSERT_EQ(setsockopt(pair.theirs.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
        pair.theirs.reset();
        receiver.look();
        ASSERT_TRUE(receiver.ready());
        Heard heard;
        auto task = once(receiver, heard, no_limit);
        EXPECT_TRUE(heard.over);
        EXPECT_EQ(heard.error, is_reset ? ECONNRESET : 0);
    }
}

// The end may come at any moment: before the first turn, in the midst of data, after all of it.
TEST_P(ReceiverTest, can_be_ended_at_each_point) {
    settings.receive_buffers = 4;
    settings.receive_buffer_bytes = 64;
    open();
    std::string text = pattern(1000);
    for (int turns = 0; turns < 12; ++turns) {
        for (size_t sent : {size_t{0}, size_t{30}, text.size()}) {
            auto pair = tcp_pair();
            Receiver receiver(loop, pair.ours.get());
            Heard heard;
            auto task = listen(receiver, heard, 5);
            send_all(pair.theirs.get(), std::string_view(text).substr(0, sent));
            for (int i = 0; i < turns; ++i) loop.turn(1);
            receiver.end();
            ASSERT_TRUE(until([&] { return heard.over; }));
            EXPECT_TRUE(text.starts_with(heard.text));
            EXPECT_TRUE(heard.error == ECANCELED || heard.error == ETIMEDOUT) << heard.error;
        }
    }
}

TEST(ReceiverSize, is_small_because_every_idle_connection_has_one) { EXPECT_LE(sizeof(Receiver), 168u); }

FOR_BOTH_ENGINES(ReceiverTest);

}  // namespace
}  // namespace ringx

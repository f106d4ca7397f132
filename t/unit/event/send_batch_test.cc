// t/unit/event/send_batch_test.cc - bytes that leave with the batch: what is taken arrives, and what is not is told.
//
// There is a batch when several answers are at hand, so each test has some connections receive first and sends from
// within one of the answers. epoll takes nothing, which its half shows. What an engine never lets happen, or only a
// kernel in distress, is tried with a bare ring.
#include <gtest/gtest.h>
#include <liburing.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "event/batch_sender.h"
#include "event/send_batch.h"
#include "t/unit/event/both_engines.h"

namespace ringx {
namespace {

using engine_test::engine_name;
using engine_test::Pair;
using engine_test::receive_all;
using engine_test::send_all;
using engine_test::Tried;

struct Sender final : BatchSender {
    void not_sent(std::string_view text, int number) override {
        rest += text;
        error = number;
        ++told;
    }
    std::string rest;
    int error = 0;
    int told = 0;
};

class SendBatchTest : public engine_test::BothEngines {
 protected:
    void SetUp() override {
        BothEngines::SetUp();
        if (!IsSkipped()) open();
    }

    bool may_be_taken() const { return GetParam() == EngineSettings::Choice::io_uring; }

    bool take(Sender& sender, int fd, std::string_view text) {
        iovec part{const_cast<char*>(text.data()), text.size()};
        return loop.engine().send_with_batch(sender, fd, {&part, 1}, text.size());
    }

    // Has `count` answers come in one turn, and calls `what` in the last of them.
    void in_a_batch(int count, const std::function<void()>& what) {
        std::vector<Pair> pairs;
        std::vector<std::unique_ptr<Tried>> receives;
        int answers = 0;
        for (int i = 0; i < count; ++i) {
            pairs.push_back(tcp_pair());
            receives.push_back(std::make_unique<Tried>(loop, Operation::Kind::receive, pairs[i].ours.get()));
            receives[i]->then = [&](Outcome) {
                if (++answers == count) what();
            };
            receives[i]->start();
        }
        turn_idly();
        for (Pair& pair : pairs) send_all(pair.theirs.get(), "now");
        ASSERT_TRUE(until([&] { return answers == count; }));
        turn_idly();
        receives.clear();
    }

    static void fill(int fd) {
        const std::string much(65536, 'x');
        while (send(fd, much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        }
    }
};

TEST_P(SendBatchTest, what_was_taken_arrives) {
    Pair one = tcp_pair(), other = tcp_pair();
    Sender sender;
    in_a_batch(8, [&] {
        EXPECT_EQ(take(sender, one.ours.get(), "hello"), may_be_taken());
        EXPECT_EQ(take(sender, other.ours.get(), std::string(4000, 'y')), may_be_taken());
        EXPECT_EQ(receive_all(one.theirs.get()), "");
    });
    EXPECT_EQ(sender.told, 0);
    EXPECT_EQ(receive_all(one.theirs.get()), may_be_taken() ? "hello" : "");
    EXPECT_EQ(receive_all(other.theirs.get()).size(), may_be_taken() ? 4000u : 0u);
}

TEST_P(SendBatchTest, a_lone_answer_is_no_batch) {
    Pair one = tcp_pair();
    Sender sender;
    in_a_batch(1, [&] { EXPECT_FALSE(take(sender, one.ours.get(), "hello")); });
    EXPECT_FALSE(take(sender, one.ours.get(), "outside of a turn"));
}

TEST_P(SendBatchTest, it_leaves_when_somebody_wants_that) {
    Pair one = tcp_pair();
    Sender sender;
    in_a_batch(8, [&] {
        if (!take(sender, one.ours.get(), "hello")) return;
        uint32_t number = loop.engine().batch_number();
        loop.engine().send_batch();
        EXPECT_NE(loop.engine().batch_number(), number);
        EXPECT_EQ(receive_all(one.theirs.get()), "hello");
    });
}

TEST_P(SendBatchTest, it_leaves_before_a_descriptor_is_closed) {
    Pair one = tcp_pair();
    Sender sender;
    bool taken = false;
    in_a_batch(8, [&] {
        taken = take(sender, one.ours.get(), "last words");
        one.ours.close();
    });
    EXPECT_EQ(receive_all(one.theirs.get()), taken ? "last words" : "");
    EXPECT_EQ(sender.told, 0);
}

TEST_P(SendBatchTest, what_a_full_socket_does_not_take_is_told) {
    Pair one = tcp_pair(), other = tcp_pair();
    fill(one.ours.get());
    Sender full, free;
    bool taken = false;
    in_a_batch(8, [&] {
        taken = take(full, one.ours.get(), "too much");
        take(free, other.ours.get(), "enough");
    });
    if (!taken) return;
    EXPECT_EQ(full.told, 1);
    EXPECT_EQ(full.rest, "too much");
    EXPECT_EQ(full.error, EAGAIN);
    EXPECT_EQ(free.told, 0);
    EXPECT_EQ(receive_all(other.theirs.get()), "enough");
}

TEST_P(SendBatchTest, what_was_taken_in_part_is_told_to_the_byte) {
    Pair one = unix_pair();
    int small = 4096;
    setsockopt(one.ours.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    const std::string text = engine_test::pattern(60000);
    Sender sender;
    bool taken = false;
    in_a_batch(8, [&] { taken = take(sender, one.ours.get(), text); });
    if (!taken) return;
    EXPECT_EQ(sender.told, 1);
    EXPECT_EQ(sender.error, EAGAIN);
    EXPECT_EQ(receive_all(one.theirs.get()) + sender.rest, text);
}

TEST_P(SendBatchTest, a_connection_that_is_gone_is_told) {
    Pair one = unix_pair();
    one.theirs.reset();
    Sender sender;
    bool taken = false;
    in_a_batch(8, [&] { taken = take(sender, one.ours.get(), "hello"); });
    if (!taken) return;
    EXPECT_EQ(sender.told, 1);
    EXPECT_EQ(sender.rest, "hello");
    EXPECT_EQ(sender.error, EPIPE);
}

TEST_P(SendBatchTest, more_than_there_is_room_for_is_not_taken) {
    std::vector<Pair> pairs;
    Sender sender;
    const std::string text(8000, 'z');
    int taken = 0;
    for (int i = 0; i < 12; ++i) pairs.push_back(tcp_pair());
    in_a_batch(8, [&] {
        for (Pair& pair : pairs) taken += take(sender, pair.ours.get(), text);
    });
    EXPECT_EQ(taken, may_be_taken() ? 8 : 0);
    int arrived = 0;
    for (Pair& pair : pairs) arrived += receive_all(pair.theirs.get()).size() == text.size();
    EXPECT_EQ(arrived, taken);
}

FOR_BOTH_ENGINES(SendBatchTest);

class BareRing : public testing::Test {
 protected:
    void SetUp() override {
        if (auto reason = io_uring_unavailable()) GTEST_SKIP() << *reason;
        ASSERT_EQ(io_uring_queue_init(8, &ring, 0), 0);
        is_open = true;
        int fds[2];
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
        ours.reset(fds[0]);
        theirs.reset(fds[1]);
    }
    ~BareRing() override {
        if (is_open) io_uring_queue_exit(&ring);
    }

    void add(std::string_view text) {
        iovec part{const_cast<char*>(text.data()), text.size()};
        batch.add(sender, ours.get(), {&part, 1}, text.size(), ring, io_uring_get_sqe(&ring));
    }
    void fill_completions() {
        while (io_uring_cq_ready(&ring) < ring.cq.ring_entries) {
            io_uring_prep_nop(io_uring_get_sqe(&ring));
            ASSERT_EQ(io_uring_submit(&ring), 1);
        }
    }

    io_uring ring;
    bool is_open = false;
    Fd ours, theirs;
    Sender sender;
    SendBatch batch;
};

TEST_F(BareRing, what_the_kernel_did_not_take_is_told_and_does_not_leave_later) {
    add("hello");
    batch.settle(ring, 0);
    EXPECT_EQ(sender.rest, "hello");
    EXPECT_EQ(sender.error, EAGAIN);
    EXPECT_TRUE(batch.empty());
    EXPECT_EQ(io_uring_submit(&ring), 1);
    EXPECT_EQ(receive_all(theirs.get()), "");
    add("again");
    EXPECT_EQ(io_uring_submit(&ring), 1);
    batch.settle(ring, 0);
    EXPECT_EQ(receive_all(theirs.get()), "again");
    EXPECT_EQ(sender.told, 1);
    EXPECT_EQ(io_uring_cq_ready(&ring), 0u);
}

TEST_F(BareRing, failures_that_were_seen_before_are_not_told_again) {
    theirs.reset();
    for (unsigned turn = 0; turn < 3; ++turn) {
        unsigned seen = io_uring_cq_ready(&ring);
        EXPECT_EQ(seen, turn);
        add("hello");
        EXPECT_EQ(io_uring_submit(&ring), 1);
        batch.settle(ring, seen);
        EXPECT_EQ(sender.told, static_cast<int>(turn + 1));
        EXPECT_EQ(sender.error, EPIPE);
    }
}

TEST_F(BareRing, what_nothing_is_known_of_has_failed) {
    fill_completions();
    unsigned seen = io_uring_cq_ready(&ring);
    theirs.reset();
    add("hello");
    EXPECT_EQ(io_uring_submit(&ring), 1);
    ASSERT_TRUE(io_uring_cq_has_overflow(&ring));
    batch.settle(ring, seen);
    EXPECT_EQ(sender.told, 1);
    EXPECT_EQ(sender.error, EOVERFLOW);
}

}  // namespace
}  // namespace ringx

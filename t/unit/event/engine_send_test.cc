// t/unit/event/engine_send_test.cc - what both engines promise about sending, polling and connecting.
//
// A send is answered when all of it has left, however slow the reader; the caller's message stays as it is.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "t/unit/event/both_engines.h"

namespace ringx::engine_test {
namespace {

using Kind = Operation::Kind;

class EngineSend : public BothEngines {};
class EnginePoll : public BothEngines {};
class EngineConnect : public BothEngines {};

FOR_BOTH_ENGINES(EngineSend);
FOR_BOTH_ENGINES(EnginePoll);
FOR_BOTH_ENGINES(EngineConnect);

// A message of `count` parts that together are `text`.
struct Message : msghdr {
    Message(std::string& text, size_t count) : msghdr{}, parts(count) {
        size_t each = text.size() / count;
        for (size_t i = 0; i < count; ++i) {
            size_t begin = i * each;
            parts[i] = {text.data() + begin, i + 1 == count ? text.size() - begin : each};
        }
        msg_iov = parts.data();
        msg_iovlen = count;
    }
    std::vector<iovec> parts;
};

void shrink(int fd, int bytes = 8192) {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

// Reads little by little, so that the sender meets a full buffer again and again.
void read_slowly(int fd, std::string& into) {
    char part[7000];
    ssize_t got = recv(fd, part, sizeof part, MSG_DONTWAIT);
    if (got > 0) into.append(part, static_cast<size_t>(got));
}

void fill(int fd) {
    std::string text(65536, 'x');
    while (send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) continue;
    ASSERT_EQ(errno, EAGAIN);
}

void reset(Fd& theirs) {
    linger now = {1, 0};
    setsockopt(theirs.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    theirs.reset();
}

// --- sending

TEST_P(EngineSend, sends_eight_megabytes_to_a_slow_reader) {
    open();
    for (size_t parts : {1u, 3u, 1000u}) {
        Pair pair = tcp_pair();
        shrink(pair.ours.get(), 65536);
        std::string text = pattern(8 << 20);
        Message message(text, parts);
        Tried send(loop, Kind::send, pair.ours.get());
        send.message = &message;
        std::string got;
        send.start();
        ASSERT_TRUE(until([&] {
            // The loop sleeps a while when nothing moves: drain in large steps, but never all of it.
            for (int i = 0; i < 200; ++i) read_slowly(pair.theirs.get(), got);
            return send.over();
        }));
        EXPECT_EQ(send.result(), 8 << 20);
        EXPECT_EQ(send.results.size(), 1u);
        ASSERT_TRUE(until([&] {
            got += receive_all(pair.theirs.get());
            return got.size() >= text.size();
        }));
        EXPECT_TRUE(got == text) << parts;
        // The caller's description is as it was.
        EXPECT_EQ(message.msg_iovlen, parts);
        EXPECT_EQ(message.parts[0].iov_base, text.data());
    }
}

TEST_P(EngineSend, answers_when_all_is_sent_and_not_before) {
    open();
    Pair pair = unix_pair();
    shrink(pair.ours.get());
    std::string text = pattern(1 << 20);
    Message message(text, 2);
    Tried send(loop, Kind::send, pair.ours.get());
    send.message = &message;
    send.start();
    turn_idly();
    EXPECT_FALSE(send.answered());
    std::string got;
    ASSERT_TRUE(until([&] {
        got += receive_all(pair.theirs.get());
        return send.over();
    }));
    got += receive_all(pair.theirs.get());
    EXPECT_TRUE(got == text);
}

TEST_P(EngineSend, tells_a_reset_in_the_midst) {
    open();
    Pair pair = tcp_pair();
    shrink(pair.ours.get());
    std::string text = pattern(8 << 20);
    Message message(text, 1);
    Tried send(loop, Kind::send, pair.ours.get());
    send.message = &message;
    send.start();
    turn_idly();
    EXPECT_TRUE(send.in_flight());
    reset(pair.theirs);
    ASSERT_TRUE(until([&] { return send.over(); }));
    EXPECT_LT(send.result(), 8 << 20);

    send.start();
    ASSERT_TRUE(until([&] { return send.over(); }));
    EXPECT_TRUE(send.result() == -EPIPE || send.result() == -ECONNRESET) << send.result();
}

TEST_P(EngineSend, sends_and_receives_on_one_socket_at_once) {
    open();
    Pair pair = tcp_pair();
    shrink(pair.ours.get());
    std::string text = pattern(1 << 20);
    Message message(text, 1);
    Tried send(loop, Kind::send, pair.ours.get());
    Tried receive(loop, Kind::receive_many, pair.ours.get());
    send.message = &message;
    receive.start();
    send.start();
    std::string got;
    std::string sent;
    ASSERT_TRUE(until([&] {
        if (sent.size() < 100000) {
            send_all(pair.theirs.get(), "0123456789");
            sent += "0123456789";
        }
        got += receive_all(pair.theirs.get());
        return got.size() == text.size() && send.over();
    }));
    ASSERT_TRUE(until([&] { return receive.text.size() == sent.size(); }));
    EXPECT_TRUE(got == text);
    EXPECT_EQ(receive.text, sent);
}

// --- polling

TEST_P(EnginePoll, tells_when_a_full_socket_has_room) {
    open();
    for (bool tcp : {true, false}) {
        Pair pair = tcp ? tcp_pair() : unix_pair();
        for (int round = 0; round < 3; ++round) {
            fill(pair.ours.get());
            Tried poll(loop, Kind::poll, pair.ours.get());
            poll.events = POLLOUT;
            poll.start();
            EXPECT_FALSE(poll.answered());
            ASSERT_TRUE(until([&] {
                receive_all(pair.theirs.get());
                return poll.over();
            }));
            EXPECT_NE(poll.result() & POLLOUT, 0);
        }
    }
}

TEST_P(EnginePoll, tells_when_bytes_have_come) {
    open();
    Pair pair = tcp_pair();
    for (int round = 0; round < 3; ++round) {
        ASSERT_EQ(receive_all(pair.ours.get()), round == 0 ? "" : "now");
        Tried poll(loop, Kind::poll, pair.ours.get());
        poll.events = POLLIN;
        poll.start();
        turn_idly();
        EXPECT_FALSE(poll.answered());
        send_all(pair.theirs.get(), "now");
        ASSERT_TRUE(until([&] { return poll.over(); }));
        EXPECT_NE(poll.result() & POLLIN, 0);
    }
}

TEST_P(EnginePoll, tells_that_the_peer_is_gone) {
    open();
    for (short events : {POLLIN, POLLOUT}) {
        Pair pair = tcp_pair();
        if (events == POLLOUT) fill(pair.ours.get());
        Tried poll(loop, Kind::poll, pair.ours.get());
        poll.events = events;
        poll.start();
        turn_idly();
        reset(pair.theirs);
        ASSERT_TRUE(until([&] { return poll.over(); }));
        EXPECT_GT(poll.result(), 0);
    }
}

TEST_P(EnginePoll, waits_for_both_directions_at_once) {
    open();
    Pair pair = tcp_pair();
    fill(pair.ours.get());
    Tried in(loop, Kind::poll, pair.ours.get());
    Tried out(loop, Kind::poll, pair.ours.get());
    in.events = POLLIN;
    out.events = POLLOUT;
    in.start();
    out.start();
    send_all(pair.theirs.get(), "x");
    ASSERT_TRUE(until([&] { return in.over(); }));
    ASSERT_TRUE(until([&] {
        receive_all(pair.theirs.get());
        return out.over();
    }));
}

// --- connecting

TEST_P(EngineConnect, connects_and_talks) {
    open();
    uint16_t port;
    Fd listener = listen_tcp(port);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    Socket ours(loop, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    Tried connect(loop, Kind::connect, ours.get());
    connect.address = reinterpret_cast<sockaddr*>(&address);
    connect.bytes = sizeof address;
    connect.start();
    EXPECT_FALSE(connect.answered());
    ASSERT_TRUE(until([&] { return connect.over(); }));
    ASSERT_EQ(connect.result(), 0);

    Fd theirs(accept(listener.get(), nullptr, nullptr));
    Tried receive(loop, Kind::receive, ours.get());
    receive.start();
    send_all(theirs.get(), "welcome");
    ASSERT_TRUE(until([&] { return receive.over(); }));
    EXPECT_EQ(receive.text, "welcome");
}

TEST_P(EngineConnect, tells_a_refusal) {
    open();
    uint16_t port;
    listen_tcp(port).reset();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    Socket ours(loop, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    Tried connect(loop, Kind::connect, ours.get());
    connect.address = reinterpret_cast<sockaddr*>(&address);
    connect.bytes = sizeof address;
    connect.start();
    ASSERT_TRUE(until([&] { return connect.over(); }));
    EXPECT_EQ(connect.result(), -ECONNREFUSED);
}

TEST_P(EngineConnect, tells_a_path_that_is_not_there) {
    open();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string("/nonexistent/socket").copy(address.sun_path, sizeof address.sun_path - 1);
    Socket ours(loop, socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    Tried connect(loop, Kind::connect, ours.get());
    connect.address = reinterpret_cast<sockaddr*>(&address);
    connect.bytes = sizeof address;
    connect.start();
    ASSERT_TRUE(until([&] { return connect.over(); }));
    EXPECT_EQ(connect.result(), -ENOENT);
}

}  // namespace
}  // namespace ringx::engine_test

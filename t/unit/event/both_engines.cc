#include "t/unit/event/both_engines.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>

namespace ringx::engine_test {

void Tried::complete(Outcome outcome) {
    results.push_back(outcome.result);
    if (outcome.buffer >= 0) {
        Lease lease(loop_.engine().buffers(), outcome.buffer, static_cast<uint32_t>(outcome.result));
        text += lease.view();
        if (hold) held.push_back(std::move(lease));
    }
    if (then) then(outcome);
}

void BothEngines::SetUp() {
    settings.choice = GetParam();
    if (settings.choice != EngineSettings::Choice::io_uring) return;
    if (auto reason = io_uring_unavailable()) GTEST_SKIP() << *reason;
}

void BothEngines::open() {
    auto opened = loop.open(settings);
    ASSERT_TRUE(opened) << opened.error().call << " " << opened.error().number;
}

bool BothEngines::until(const std::function<bool()>& met) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!met()) {
        if (std::chrono::steady_clock::now() > end) return false;
        loop.turn(2);
    }
    return true;
}

void BothEngines::turn_idly() {
    for (int i = 0; i < 5; ++i) loop.turn(0);
}

Pair BothEngines::tcp_pair() {
    uint16_t port;
    Fd listener = listen_tcp(port);
    Fd theirs = connect_tcp(port);
    int ours = accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(ours >= 0);
    return {Socket(loop, ours), std::move(theirs)};
}

Pair BothEngines::unix_pair() {
    int fds[2];
    int made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
    CHECK(made == 0);
    return {Socket(loop, fds[0]), Fd(fds[1])};
}

Fd BothEngines::listen_tcp(uint16_t& port) {
    Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bool made = bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                listen(listener.get(), 4096) == 0 &&
                getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0;
    CHECK(made);
    port = ntohs(address.sin_port);
    return listener;
}

Fd BothEngines::connect_tcp(uint16_t port) {
    Fd connected(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    bool made = ::connect(connected.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                fcntl(connected.get(), F_SETFL, O_NONBLOCK) == 0;
    CHECK(made);
    return connected;
}

std::string pattern(size_t bytes) {
    std::string text(bytes, ' ');
    // A period that is no multiple of any buffer: bytes out of place are seen.
    for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('!' + (i * 7 + i / 251) % 89);
    return text;
}

void send_all(int fd, std::string_view text) {
    ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    CHECK(sent == static_cast<ssize_t>(text.size()));
}

std::string receive_all(int fd) {
    std::string text;
    char part[65536];
    for (;;) {
        ssize_t got = recv(fd, part, sizeof part, MSG_DONTWAIT);
        if (got <= 0) return text;
        text.append(part, static_cast<size_t>(got));
    }
}

}  // namespace ringx::engine_test

// t/unit/event/both_engines.h - what the conformance tests of the two real engines share.
//
// Each test is run with io_uring and with epoll, and expects the same of both; where the kernel does not allow io_uring
// its half is skipped. Tests wait for conditions by turning the loop, for seconds at most.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "event/loop.h"

namespace ringx::engine_test {

// An operation and what was answered. It ends itself before it is destroyed.
class Tried final : public Operation {
 public:
    Tried(Loop& loop, Kind what, int on) : loop_(loop) {
        kind = what;
        fd = on;
    }
    ~Tried() override {
        cancel();
        while (in_flight()) loop_.turn();
        held.clear();
    }

    Tried& start() {
        loop_.engine().start(*this);
        return *this;
    }
    void cancel() { loop_.engine().cancel(*this); }

    bool answered() const { return !results.empty(); }
    bool over() const { return answered() && !in_flight(); }
    int result() const { return results.empty() ? -EINPROGRESS : results.back(); }

    std::vector<int> results;
    std::string text;                  // all bytes received
    bool hold = false;                 // received buffers are kept
    std::vector<Lease> held;
    std::function<void(Outcome)> then; // called with each answer, at the end of complete()

 private:
    void complete(Outcome outcome) override;

    Loop& loop_;
};

// A socket that is closed through the engine.
class Socket {
 public:
    Socket(Loop& loop, int fd) : loop_(loop), fd_(fd) {}
    Socket(Socket&& other) noexcept : loop_(other.loop_), fd_(std::exchange(other.fd_, -1)) {}
    ~Socket() { close(); }
    int get() const { return fd_; }
    void close() {
        if (fd_ >= 0) loop_.engine().close(std::exchange(fd_, -1));
    }

 private:
    Loop& loop_;
    int fd_;
};

// Both ends of a connection: `ours` is for the engine, `theirs` for the test.
struct Pair {
    Socket ours;
    Fd theirs;
};

class BothEngines : public testing::TestWithParam<EngineSettings::Choice> {
 protected:
    void SetUp() override;

    // The settings the engine is made with: a test that wants others says so before it opens the loop.
    EngineSettings settings;
    void open();

    // Turns until the condition is met; false when it takes too long.
    bool until(const std::function<bool()>& met);
    // Turns a few times without sleeping: what must not happen has had its chance.
    void turn_idly();

    // Sockets that do not block.
    Pair tcp_pair();
    Pair unix_pair();
    Fd listen_tcp(uint16_t& port);
    Fd connect_tcp(uint16_t port);

    Loop loop;
};

std::string pattern(size_t bytes);
void send_all(int fd, std::string_view text);
std::string receive_all(int fd);  // what is there now, and until the end if that has come

inline std::string engine_name(const testing::TestParamInfo<EngineSettings::Choice>& info) {
    return info.param == EngineSettings::Choice::epoll ? "epoll" : "io_uring";
}

#define FOR_BOTH_ENGINES(suite)                                                                                \
    INSTANTIATE_TEST_SUITE_P(, suite,                                                                          \
                             testing::Values(EngineSettings::Choice::io_uring, EngineSettings::Choice::epoll), \
                             engine_name)

}  // namespace ringx::engine_test

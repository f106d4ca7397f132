#include "t/unit/event/scripted_engine.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "event/loop.h"

namespace ringx {
namespace {

using Kind = Operation::Kind;

// Real descriptors are smaller.
constexpr int made_up_first = 1'000'000;

// A test that sleeps without limit and is not woken within this time hangs.
constexpr int patience_ms = 20'000;

std::string_view kind_name(Kind kind) {
    switch (kind) {
        case Kind::accept: return "accept";
        case Kind::accept_many: return "accept_many";
        case Kind::receive: return "receive";
        case Kind::receive_many: return "receive_many";
        case Kind::receive_into: return "receive_into";
        case Kind::send: return "send";
        case Kind::poll: return "poll";
        case Kind::connect: return "connect";
        case Kind::open: return "open";
        case Kind::read: return "read";
        case Kind::write: return "write";
    }
    return "?";
}

bool is_many(Kind kind) { return kind == Kind::accept_many || kind == Kind::receive_many; }

// The part of the message behind its first `done` bytes.
std::string rest_of(const msghdr& message, size_t done) {
    std::string text;
    for (size_t i = 0; i < message.msg_iovlen; ++i) {
        text.append(static_cast<const char*>(message.msg_iov[i].iov_base), message.msg_iov[i].iov_len);
    }
    return text.substr(done);
}

Outcome file_outcome(const Operation& operation) {
    long result = -1;
    auto offset = static_cast<off_t>(operation.offset);
    if (operation.kind == Kind::open) {
        result = syscall(SYS_openat2, operation.fd, operation.path, operation.how, sizeof(open_how));
    } else if (operation.kind == Kind::read) {
        result = pread(operation.fd, operation.data, operation.bytes, offset);
    } else if (offset == -1) {
        result = write(operation.fd, operation.data, operation.bytes);
    } else {
        result = pwrite(operation.fd, operation.data, operation.bytes, offset);
    }
    return {result < 0 ? -errno : static_cast<int>(result)};
}

}  // namespace

ScriptedEngine::ScriptedEngine(Loop& loop, uint32_t buffers, uint32_t buffer_bytes)
    : loop_(loop), pool_(buffers, buffer_bytes), wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    CHECK(wakeup_);
}

int ScriptedEngine::make_socket() {
    int fd = made_up_first + static_cast<int>(peers_.size());
    peers_[fd];
    return fd;
}

void ScriptedEngine::settle() {
    for (int quiet = 0; quiet < 3;) {
        size_t before = steps_;
        loop_.turn(0);
        quiet = steps_ == before ? quiet + 1 : 0;
    }
}

std::string ScriptedEngine::in_flight() const {
    std::string text;
    for (auto& [number, operation] : in_flight_) {
        if (!text.empty()) text += ", ";
        text += kind_name(operation->kind);
        text += " on " + std::to_string(operation->fd);
    }
    return text;
}

void ScriptedEngine::close(int fd) {
    for (auto& [number, operation] : in_flight_) CHECK(operation->fd != fd);
    if (fd < made_up_first) {
        ::close(fd);
        return;
    }
    CHECK(!peer(fd).closed);
    peer(fd).closed = true;
}

void ScriptedEngine::wait(std::optional<uint64_t> sleep_ms) {
    count_turn(loop_.clock().now_us());
    loop_.refresh_clock();
    size_t before = answers_;
    while (!interrupts_.empty() && interrupts_.begin()->first <= started_.size()) {
        interrupts_.extract(interrupts_.begin()).mapped()();
    }
    for (size_t number : turn_order()) {
        Operation& operation = *in_flight_.at(number);
        auto outcome = decide(number, operation);
        if (!outcome) continue;
        ++answers_;
        ++steps_;
        if (auto failing = failing_answers_.find(answers_); failing != failing_answers_.end()) {
            if (outcome->buffer >= 0) pool_.give_back(outcome->buffer);
            outcome = Outcome{-failing->second};
        }
        if (!outcome->more) in_flight_.erase(number);
        answer(operation, *outcome);
    }
    if (answers_ == before) idle(sleep_ms);
}

void ScriptedEngine::wake() { eventfd_write(wakeup_.get(), 1); }

void ScriptedEngine::begin(Operation& operation) {
    started_.push_back({operation.kind, operation.fd});
    ++steps_;
    if (operation.kind == Kind::send) operation.done = 0;
    in_flight_[started_.size()] = &operation;
}

// Of the operations in flight none is answered more than once in a turn, and none that this turn starts.
std::vector<size_t> ScriptedEngine::turn_order() {
    std::vector<size_t> numbers;
    for (auto& [number, operation] : in_flight_) numbers.push_back(number);
    if (order == Order::newest_first) std::reverse(numbers.begin(), numbers.end());
    if (order == Order::shuffled) std::shuffle(numbers.begin(), numbers.end(), random_);
    return numbers;
}

std::optional<Outcome> ScriptedEngine::decide(size_t number, Operation& operation) {
    if (is_cancelled(operation)) {
        bool partly = operation.kind == Kind::send && operation.done > 0;
        return Outcome{partly ? static_cast<int>(operation.done) : -ECANCELED};
    }
    if (auto failing = failing_operations_.find(number); failing != failing_operations_.end()) {
        return Outcome{-failing->second};
    }
    if (auto next = outcomes_.find(operation.kind); next != outcomes_.end() && !next->second.empty()) {
        Outcome outcome = next->second.front();
        next->second.pop_front();
        return outcome;
    }
    return behave(operation);
}

// What the world does when the test says nothing else.
std::optional<Outcome> ScriptedEngine::behave(Operation& operation) {
    switch (operation.kind) {
        case Kind::open:
        case Kind::read:
        case Kind::write: return file_outcome(operation);
        case Kind::connect: return Outcome{-peer(operation.fd).connect_error};
        case Kind::send: return send(operation, peer(operation.fd));
        case Kind::receive:
        case Kind::receive_many:
        case Kind::receive_into: return receive(operation, peer(operation.fd));
        case Kind::accept:
        case Kind::accept_many: {
            auto& arriving = peer(operation.fd).arriving;
            if (arriving.empty()) return {};
            int arrived = arriving.front();
            arriving.pop_front();
            return Outcome{arrived, is_many(operation.kind) && arrived >= 0};
        }
        case Kind::poll: {
            if (operation.fd < made_up_first) {
                pollfd real = {operation.fd, operation.events, 0};
                if (::poll(&real, 1, 0) <= 0) return {};
                return Outcome{real.revents};
            }
            Peer& other = peer(operation.fd);
            bool in = !other.says.empty() || other.finished || other.error != 0;
            if (operation.events == POLLIN ? !in : other.deaf) return {};
            return Outcome{operation.events};
        }
    }
    return {};
}

std::optional<Outcome> ScriptedEngine::receive(Operation& operation, Peer& from) {
    if (from.says.empty()) {
        if (from.error != 0) return Outcome{-from.error};
        if (from.finished) return Outcome{0};
        return {};
    }
    bool own_memory = operation.kind == Kind::receive_into;
    int32_t buffer = own_memory ? -1 : pool_.take();
    if (!own_memory && buffer < 0) {
        counters_->buffer_parks.add(1);
        return {};
    }
    size_t bytes = std::min<size_t>(own_memory ? operation.bytes : pool_.bytes(), receive_bytes_max);
    bytes = std::min(bytes, from.says.size());
    if (!own_memory) pool_.lend(buffer, bytes);
    memcpy(own_memory ? operation.data : pool_.memory(buffer), from.says.data(), bytes);
    from.says.erase(0, bytes);
    return Outcome{static_cast<int>(bytes), is_many(operation.kind), buffer};
}

std::optional<Outcome> ScriptedEngine::send(Operation& operation, Peer& to) {
    if (to.deaf) return {};
    std::string rest = rest_of(*operation.message, operation.done);
    size_t room = to.hears_max - std::min(to.hears_max, to.heard.size());
    if (room == 0 && !rest.empty()) {
        return Outcome{operation.done > 0 ? static_cast<int>(operation.done) : -EPIPE};
    }
    size_t bytes = std::min({rest.size(), room, send_bytes_max});
    to.heard.append(rest, 0, bytes);
    operation.done += bytes;
    ++steps_;
    if (bytes < rest.size()) return {};
    return Outcome{static_cast<int>(operation.done)};
}

void ScriptedEngine::idle(std::optional<uint64_t> sleep_ms) {
    auto limit = static_cast<int>(std::min<uint64_t>(sleep_ms.value_or(patience_ms), patience_ms));
    pollfd wakeup = {wakeup_.get(), POLLIN, 0};
    bool woken = ::poll(&wakeup, 1, limit) > 0;
    CHECK(woken || sleep_ms);  // else: nothing will ever happen
    eventfd_t count;
    if (woken) eventfd_read(wakeup_.get(), &count);
    loop_.refresh_clock();
}

}  // namespace ringx

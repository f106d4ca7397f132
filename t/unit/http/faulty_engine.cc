#include "t/unit/http/faulty_engine.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "event/loop.h"

namespace ringx {

using Kind = Operation::Kind;

FaultyEngine* FaultyEngine::open(Loop& loop, const EngineSettings& settings) {
    auto real = make_engine(settings, loop);
    if (!real) return nullptr;
    auto faulty = std::make_unique<FaultyEngine>(std::move(*real), loop);
    FaultyEngine* engine = faulty.get();
    loop.open(std::move(faulty));
    return engine;
}

void FaultyEngine::begin(Operation& operation) {
    ++operations_;
    auto made = std::make_unique<Copy>();
    Copy& copy = *made;
    copy.engine = this;
    copy.original = &operation;
    copy.kind = operation.kind;
    copy.fd = operation.fd;
    copy.bytes = operation.bytes;
    if (operation.kind == Kind::poll) {
        copy.events = operation.events;
    } else {
        copy.data = operation.data;
    }
    if (operation.kind == Kind::open) {
        copy.how = operation.how;
    } else {
        copy.offset = operation.offset;
    }
    copies_[&operation] = std::move(made);

    auto failing = failing_operations_.find(operations_);
    if (failing == failing_operations_.end()) return real_->start(copy);
    copy.error = failing->second;
    ++faults_;
}

void FaultyEngine::abandon(Operation& operation) { real_->cancel(*copies_.at(&operation)); }

void FaultyEngine::wait(std::optional<uint64_t> sleep_ms) {
    std::vector<Copy*> failed;
    for (auto& [original, copy] : copies_) {
        if (copy->error != 0 && !copy->in_flight()) failed.push_back(copy.get());
    }
    if (!failed.empty()) loop_.refresh_clock();
    for (Copy* copy : failed) finish(*copy, {-copy->error});
    send_batch();
    real_->wait(failed.empty() ? sleep_ms : 0);
}

bool FaultyEngine::send_with_batch(BatchSender& sender, int fd, std::span<const iovec> parts, size_t) {
    if (!batch_bytes) return false;
    ++taken_;
    Send& send = sends_.emplace_back(&sender, fd);
    for (const iovec& part : parts) send.bytes.append(static_cast<const char*>(part.iov_base), part.iov_len);
    return true;
}

void FaultyEngine::send_batch() {
    for (Send& send : std::exchange(sends_, {})) {
        size_t most = std::min(send.bytes.size(), batch_bytes.value_or(SIZE_MAX));
        ssize_t sent = ::send(send.fd, send.bytes.data(), most, MSG_DONTWAIT | MSG_NOSIGNAL);
        const int error = sent < 0 ? errno : batch_error;
        send.bytes.erase(0, static_cast<size_t>(std::max<ssize_t>(sent, 0)));
        if (!send.bytes.empty()) send.sender->not_sent(send.bytes, error);
    }
    ++batch_number_;
}

void FaultyEngine::answered(Copy& copy, Outcome outcome) {
    auto failing = copy.error == 0 ? failing_answers_.find(++answers_) : failing_answers_.end();
    if (failing != failing_answers_.end()) {
        copy.error = failing->second;
        ++faults_;
        if (outcome.more) real_->cancel(copy);
    }
    if (copy.error == 0) return finish(copy, outcome);
    if (outcome.buffer >= 0) buffers().give_back(outcome.buffer);
    bool opened = copy.kind == Kind::open || copy.kind == Kind::accept || copy.kind == Kind::accept_many;
    if (opened && outcome.result >= 0) real_->close(outcome.result);
    if (!outcome.more) finish(copy, {-copy.error});
}

void FaultyEngine::finish(Copy& copy, Outcome outcome) {
    Operation& original = *copy.original;
    // The answer may start the same operation again, which then has another copy.
    std::unique_ptr<Copy> ended;
    if (!outcome.more) ended = std::move(copies_.extract(&original).mapped());
    answer(original, outcome);
}

}  // namespace ringx

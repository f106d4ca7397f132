#include "t/unit/http/faulty_engine.h"

#include <vector>

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
    batch_ = 1;
    if (!failed.empty()) loop_.refresh_clock();
    for (Copy* copy : failed) finish(*copy, {-copy->error});
    real_->wait(failed.empty() ? sleep_ms : 0);
    batch_ = 0;
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

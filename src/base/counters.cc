#include "base/counters.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/check.h"

namespace ringx {
namespace {

bool lives(pid_t process) { return process != 0 && (kill(process, 0) == 0 || errno != ESRCH); }

void forget_what_goes_on(Counters& slot) {
    slot.active.reset();
    slot.reading.reset();
    slot.writing.reset();
}

}  // namespace

CounterPage::CounterPage() {
    size_t bytes = slots_max * sizeof(Counters);
    void* page = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    slots_ = {static_cast<Counters*>(page), slots_max};
    std::uninitialized_default_construct(slots_.begin(), slots_.end());
}

CounterPage::~CounterPage() { munmap(slots_.data(), slots_.size_bytes()); }

Counters& CounterPage::claim() {
    for (Counters& slot : slots_) {
        pid_t owner = slot.owner.load();
        if (lives(owner)) continue;
        if (!slot.owner.compare_exchange_strong(owner, getpid())) continue;
        forget_what_goes_on(slot);
        return slot;
    }
    return slots_.back();
}

void CounterPage::give_back(Counters& slot) {
    if (slot.owner.load() != getpid()) return;
    forget_what_goes_on(slot);
    slot.owner.store(0);
}

CounterPage::Sum CounterPage::sum() const {
    Sum sum;
    for (const Counters& slot : slots_) {
        sum.accepted += slot.accepted.value();
        sum.handled += slot.handled.value();
        sum.requests += slot.requests.value();
        if (!lives(slot.owner.load())) continue;  // it died in the middle of something
        sum.active += slot.active.value();
        sum.reading += slot.reading.value();
        sum.writing += slot.writing.value();
    }
    return sum;
}

}  // namespace ringx

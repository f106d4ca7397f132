#include "base/lives.h"

#include <sys/mman.h>

#include "base/check.h"

namespace ringx {

Lives::Lives() {
    constexpr size_t bytes = slots * sizeof(std::atomic<uint32_t>);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    slots_ = static_cast<std::atomic<uint32_t>*>(memory);  // zeroes
}

Lives::~Lives() { munmap(slots_, slots * sizeof(std::atomic<uint32_t>)); }

Life Lives::begin() {
    uint32_t slot = 0;
    while (slot < slots && slots_[slot].load(std::memory_order_relaxed) != 0) ++slot;
    CHECK(slot < slots);
    Life life{slot, ++numbers_};
    slots_[slot].store(life.number, std::memory_order_release);
    return life;
}

void Lives::end(Life life) {
    CHECK(has(life));
    slots_[life.slot].store(0, std::memory_order_release);
}

}  // namespace ringx

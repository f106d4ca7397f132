#include "base/run_state.h"

#include <sys/mman.h>

#include <array>
#include <bit>
#include <chrono>
#include <iterator>
#include <new>

#include "base/check.h"

namespace ringx {
namespace {

// Facts as words that can be copied while somebody writes them.
constexpr size_t words = sizeof(RunState::Facts) / sizeof(uint64_t);
using Words = std::array<uint64_t, words>;
static_assert(sizeof(RunState::Facts) == sizeof(Words), "without gaps");

}  // namespace

struct RunState::Page {
    std::atomic<uint32_t> version;  // the copy with its last bit counts
    std::atomic<uint8_t> log_level;
    std::atomic<uint64_t> copies[2][words];
};

namespace {

void* map_page(size_t bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}

}  // namespace

RunState::RunState() : page_(*new (map_page(sizeof(Page))) Page()) { publish(Facts()); }

RunState::~RunState() { munmap(&page_, sizeof(Page)); }

// Each word is released behind the version before it, so that who sees the word sees that he was overtaken.
void RunState::publish(const Facts& facts) {
    uint32_t version = page_.version.load(std::memory_order_relaxed);
    if (version != 0 && facts == latest_) return;
    latest_ = facts;
    auto& copy = page_.copies[(version + 1) % 2];
    Words given = std::bit_cast<Words>(facts);
    for (size_t i = 0; i < words; ++i) copy[i].store(given[i], std::memory_order_release);
    page_.version.store(version + 1, std::memory_order_release);
}

RunState::Facts RunState::read() const {
    for (;;) {
        uint32_t version = page_.version.load(std::memory_order_acquire);
        Words taken;
        for (size_t i = 0; i < words; ++i) taken[i] = page_.copies[version % 2][i].load(std::memory_order_acquire);
        if (page_.version.load(std::memory_order_relaxed) == version) return std::bit_cast<Facts>(taken);
    }
}

std::atomic<uint8_t>& RunState::log_level() const { return page_.log_level; }

std::string_view phase_name(RunState::Phase phase) {
    static constexpr std::string_view names[] = {"starting", "serving", "reloading", "quitting"};
    auto place = static_cast<size_t>(phase);
    CHECK(place < std::size(names));
    return names[place];
}

uint64_t wall_clock_ms() {
    using namespace std::chrono;
    return static_cast<uint64_t>(duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

}  // namespace ringx

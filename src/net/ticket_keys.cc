#include "net/ticket_keys.h"

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>

#include "base/check.h"

namespace ringx {
namespace {

constexpr size_t words = sizeof(TicketKey) / sizeof(uint64_t);
static_assert(sizeof(TicketKey) % sizeof(uint64_t) == 0);
constexpr size_t page_bytes = 4096;

using Words = std::array<uint64_t, words>;

TicketKey random_key() {
    TicketKey key{};
    for (std::span<unsigned char> part : {std::span<unsigned char>(key.name), std::span<unsigned char>(key.aes),
                                          std::span<unsigned char>(key.hmac)}) {
        CHECK(getrandom(part.data(), part.size(), 0) == static_cast<ssize_t>(part.size()));
    }
    key.secret_bytes = sizeof key.aes;
    return key;
}

}  // namespace

// Keys are counted from 1, and number n lies in place n % 3.
struct TicketKeys::Page {
    struct State {
        uint64_t latest = 0;
        uint64_t in_force = 0;  // it, and perhaps the one before

        static State of(uint64_t number) { return {number >> 2, number & 3}; }
        uint64_t number() const { return latest << 2 | in_force; }
    };

    std::atomic<uint64_t> state = 0;
    std::array<std::array<std::atomic<uint64_t>, words>, 3> places = {};

    TicketKey load(uint64_t key) const {
        Words copy;
        for (size_t i = 0; i < words; ++i) copy[i] = places[key % 3][i].load(std::memory_order_relaxed);
        return std::bit_cast<TicketKey>(copy);
    }
    void store(uint64_t key, const TicketKey& value) {
        auto copy = std::bit_cast<Words>(value);
        for (size_t i = 0; i < words; ++i) places[key % 3][i].store(copy[i], std::memory_order_relaxed);
        OPENSSL_cleanse(copy.data(), sizeof copy);
    }
};

namespace {

void* map_page() {
    void* page = mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    CHECK(madvise(page, page_bytes, MADV_DONTDUMP) == 0);
    return page;
}

}  // namespace

TicketKeys::TicketKeys() : page_(*std::construct_at(static_cast<Page*>(map_page()))) {
    static_assert(sizeof(Page) <= page_bytes);
}

TicketKeys::~TicketKeys() { munmap(&page_, page_bytes); }

TicketKeys::Moment TicketKeys::rotate(Moment now, std::chrono::seconds life) {
    CHECK(life.count() > 0);
    bool is_first = page_.state.load(std::memory_order_relaxed) == 0;
    if (!is_first && now - made_ < life) return made_ + life;
    // What the latest has encrypted so far is good for as long again, unless all of that time has passed too.
    add(!is_first && now - made_ - life < life);
    made_ = now;
    return made_ + life;
}

// A reader who holds on to a state sees the place of the key before it change only after the state itself.
void TicketKeys::add(bool keep_latest) {
    auto before = Page::State::of(page_.state.load(std::memory_order_relaxed));
    Page::State after{.latest = before.latest + 1, .in_force = keep_latest ? 2u : 1u};
    TicketKey key = random_key();
    std::atomic_thread_fence(std::memory_order_release);
    page_.store(after.latest, key);
    page_.state.store(after.number(), std::memory_order_release);
    OPENSSL_cleanse(&key, sizeof key);
}

TicketKeys::InForce::InForce(const TicketKeys& of) {
    const Page& page = of.page_;
    uint64_t number = page.state.load(std::memory_order_acquire), before;
    do {
        before = number;
        auto state = Page::State::of(number);
        count_ = state.in_force;
        for (size_t i = 0; i < count_; ++i) keys_[i] = page.load(state.latest - i);
        std::atomic_thread_fence(std::memory_order_acquire);
        number = page.state.load(std::memory_order_relaxed);
    } while (number != before);
}

TicketKeys::InForce::~InForce() { OPENSSL_cleanse(keys_.data(), sizeof keys_); }

constinit conf::Slot<TicketLife> ticket_life{conf::main};
const conf::Section ticket_life_section{"ticket_life", {}, &ticket_life};

}  // namespace ringx

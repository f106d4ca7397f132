#include "base/recent_errors.h"

#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace ringx {
namespace {

using Word = uint64_t;

constexpr int attempts_max = 8;  // only those who write at the same moment, a whole round apart, get into one's way
constexpr size_t text_words = RecentErrors::text_bytes_max / sizeof(Word);

// A mark says whose ticket the slot has, of which process, and whether that is still at it; 0: nobody's yet.
constexpr unsigned pid_bits = 22;  // PID_MAX_LIMIT of Linux is 2^22

constexpr Word mark_of(uint64_t ticket, pid_t pid, bool writing) {
    return (ticket << pid_bits | static_cast<Word>(pid)) << 1 | (writing ? 1 : 0);
}
constexpr bool is_being_written(Word mark) { return (mark & 1) != 0; }
constexpr pid_t pid_of(Word mark) { return static_cast<pid_t>(mark >> 1 & ((Word{1} << pid_bits) - 1)); }
constexpr uint64_t ticket_of(Word mark) { return mark >> (pid_bits + 1); }

bool is_alive(pid_t process) { return kill(process, 0) == 0 || errno != ESRCH; }

uint64_t wall_us() {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

// What there is to know beside time and text, in one word.
struct Facts {
    uint32_t worker;  // its number and one; 0: the master
    uint16_t bytes;
    Level level;
};
static_assert(sizeof(Facts) == sizeof(Word));

}  // namespace

// All of it is atomic words, so that a copy made while somebody writes is wrong at worst, and the mark tells.
struct RecentErrors::Slot {
    std::atomic<Word> mark;
    std::atomic<Word> time_us;
    std::atomic<Facts> facts;
    std::array<std::atomic<Word>, text_words> text;
};

struct RecentErrors::Ring {
    std::atomic<uint64_t> tickets;
    std::array<Slot, lines_max> slots;
};

Result<std::unique_ptr<RecentErrors>> RecentErrors::create() {
    static_assert(std::atomic<Word>::is_always_lock_free && std::atomic<Facts>::is_always_lock_free);
    void* memory = mmap(nullptr, sizeof(Ring), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return fail("mmap");
    return std::unique_ptr<RecentErrors>(new RecentErrors(memory));
}

RecentErrors::~RecentErrors() { munmap(ring_, sizeof(Ring)); }

void RecentErrors::add(Level level, std::string_view text) {
    text = text.substr(0, text_bytes_max);
    Facts facts{.worker = worker_ ? *worker_ + 1 : 0, .bytes = static_cast<uint16_t>(text.size()), .level = level};
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        uint64_t ticket = ring_->tickets.fetch_add(1, std::memory_order_relaxed) + 1;
        Slot& slot = ring_->slots[ticket % lines_max];
        Word before = slot.mark.load(std::memory_order_relaxed);
        if (is_being_written(before) && is_alive(pid_of(before))) continue;
        if (ticket_of(before) > ticket) continue;  // everybody has overtaken us by a round
        if (!slot.mark.compare_exchange_strong(before, mark_of(ticket, getpid(), true))) continue;

        std::atomic_thread_fence(std::memory_order_release);  // who sees any of what follows sees the mark
        slot.time_us.store(wall_us(), std::memory_order_relaxed);
        slot.facts.store(facts, std::memory_order_relaxed);
        for (size_t at = 0; at < text.size(); at += sizeof(Word)) {
            Word word = 0;
            std::memcpy(&word, text.data() + at, std::min(sizeof word, text.size() - at));
            slot.text[at / sizeof word].store(word, std::memory_order_relaxed);
        }
        slot.mark.store(mark_of(ticket, getpid(), false), std::memory_order_release);
        return;
    }
}

std::optional<RecentErrors::Line> RecentErrors::read(const Slot& slot) {
    Word mark = slot.mark.load(std::memory_order_acquire);
    if (mark == 0 || is_being_written(mark)) return std::nullopt;
    Facts facts = slot.facts.load(std::memory_order_relaxed);
    Line line{.number = ticket_of(mark),
              .time_us = slot.time_us.load(std::memory_order_relaxed),
              .level = facts.level,
              .pid = pid_of(mark),
              .worker = facts.worker == 0 ? std::nullopt : std::optional(facts.worker - 1),
              .text = std::string(std::min<size_t>(facts.bytes, text_bytes_max), '\0')};
    for (size_t at = 0; at < line.text.size(); at += sizeof(Word)) {
        Word word = slot.text[at / sizeof word].load(std::memory_order_relaxed);
        std::memcpy(line.text.data() + at, &word, std::min(sizeof word, line.text.size() - at));
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    if (slot.mark.load(std::memory_order_relaxed) != mark) return std::nullopt;
    return line;
}

std::vector<RecentErrors::Line> RecentErrors::read() const {
    std::vector<Line> lines;
    for (const Slot& slot : ring_->slots) {
        if (auto line = read(slot)) lines.push_back(std::move(*line));
    }
    std::ranges::sort(lines, {}, &Line::number);
    return lines;
}

}  // namespace ringx

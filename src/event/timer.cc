#include "event/timer.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace ringx {

// Level 0 has a slot for each of the next milliseconds, each further level a slot for 64 of the level below. A timer
// waits on the level of the highest group of six bits in which its time differs from now; when its slot begins it moves
// down. So all of a level's occupied slots lie ahead of now, and before those of the levels above.

TimerWheel::TimerWheel(uint64_t now_ms) : now_ms_(now_ms) {}

void TimerWheel::set(Timer& timer, uint64_t deadline_ms) {
    timer.deadline_ms_ = deadline_ms;
    timer.armed_ = true;
    if (timer.linked()) {
        if (deadline_ms >= timer.slot_ms_) return;
        timer.unlink();
    }
    insert(timer, deadline_ms);
}

void TimerWheel::insert(Timer& timer, uint64_t at_ms) {
    constexpr uint64_t within = (uint64_t{1} << (levels * level_bits)) - 1;
    at_ms = std::clamp(at_ms, now_ms_, now_ms_ | within);
    uint64_t differs = at_ms ^ now_ms_;
    unsigned level = differs == 0 ? 0 : (static_cast<unsigned>(std::bit_width(differs)) - 1) / level_bits;
    unsigned slot = (at_ms >> (level * level_bits)) % slots_per_level;
    timer.slot_ms_ = at_ms;
    slots_[level][slot].push_back(timer);
    occupied_[level] |= uint64_t{1} << slot;
}

std::optional<TimerWheel::Slot> TimerWheel::next_slot() const {
    for (unsigned level = 0; level < levels; ++level) {
        if (occupied_[level] == 0) continue;
        unsigned shift = level * level_bits;
        auto index = static_cast<unsigned>(std::countr_zero(occupied_[level]));
        uint64_t above = now_ms_ >> shift >> level_bits << level_bits;
        return Slot{level, index, (above | index) << shift};
    }
    return {};
}

std::optional<uint64_t> TimerWheel::next_ms() const {
    auto slot = next_slot();
    if (!slot) return {};
    return slot->begins_ms;
}

void TimerWheel::expire(uint64_t now_ms) {
    List<Timer> due;
    List<Timer> later;
    for (auto slot = next_slot(); slot && slot->begins_ms <= now_ms; slot = next_slot()) {
        now_ms_ = slot->begins_ms;
        occupied_[slot->level] &= ~(uint64_t{1} << slot->index);
        auto& waiting = slots_[slot->level][slot->index];
        while (!waiting.empty()) {
            Timer& timer = waiting.pop_front();
            if (timer.armed_) (timer.deadline_ms_ <= now_ms ? due : later).push_back(timer);
        }
    }
    now_ms_ = std::max(now_ms_, now_ms);
    while (!later.empty()) {
        Timer& timer = later.pop_front();
        insert(timer, timer.deadline_ms_);
    }

    // What expires may set, stop or destroy any timer, those still due included.
    while (!due.empty()) {
        Timer& timer = due.pop_front();
        if (!timer.armed_) continue;
        if (timer.deadline_ms_ > now_ms) {
            insert(timer, timer.deadline_ms_);
        } else {
            timer.armed_ = false;
            timer.expire();
        }
    }
}

}  // namespace ringx

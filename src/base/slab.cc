#include "base/slab.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace ringx {
namespace {

constexpr size_t object_bytes_max = 2048;

constexpr uint64_t aligned(uint64_t bytes) { return (bytes + 15) & ~uint64_t{15}; }

}  // namespace

void Slab::format(void* memory, size_t bytes, size_t reserved) {
    CHECK(bytes <= bytes_max);
    this_at_ = static_cast<uint64_t>(reinterpret_cast<char*>(this) - static_cast<char*>(memory));
    uint64_t begin = std::max<uint64_t>(reserved, this_at_ + sizeof(Slab));
    infos_at_ = aligned(begin) - this_at_;
    pages_ = static_cast<uint32_t>((bytes - this_at_ - infos_at_) / (page_bytes + sizeof(Page)));
    pages_at_ = aligned(this_at_ + infos_at_ + pages_ * sizeof(Page));
    if (pages_at_ + pages_ * page_bytes > bytes) --pages_;
    CHECK(pages_ > 0);
    free_pages_ = 0;
    free_runs_ = none;
    std::ranges::fill(with_room_, none);
    memset(pages(), 0, pages_ * sizeof(Page));
    give_run(0, pages_);
}

void Slab::link(uint32_t& list, uint32_t page) {
    Page* infos = pages();
    infos[page].next = list;
    infos[page].before = none;
    if (list != none) infos[list].before = page;
    list = page;
}

void Slab::unlink(uint32_t& list, uint32_t page) {
    Page* infos = pages();
    if (infos[page].next != none) infos[infos[page].next].before = infos[page].before;
    if (infos[page].before != none) infos[infos[page].before].next = infos[page].next;
    else list = infos[page].next;
}

// The first of so many pages, or none.
uint32_t Slab::take_run(uint32_t wanted) {
    Page* infos = pages();
    uint32_t run = free_runs_;
    while (run != none && infos[run].run < wanted) run = infos[run].next;
    if (run == none) return none;

    uint32_t length = infos[run].run;
    unlink(free_runs_, run);
    free_pages_ -= length;
    infos[run].kind = Kind::first;
    infos[run].run = wanted;
    for (uint32_t i = 1; i < wanted; ++i) infos[run + i].kind = Kind::inside;
    if (length > wanted) give_run(run + wanted, length - wanted);
    return run;
}

// Joins what is free on either side.
void Slab::give_run(uint32_t first, uint32_t count) {
    Page* infos = pages();
    free_pages_ += count;
    for (uint32_t i = 0; i < count; ++i) infos[first + i].kind = Kind::inside;
    uint32_t after = first + count;
    if (after < pages_ && infos[after].kind == Kind::free) {
        unlink(free_runs_, after);
        infos[after].kind = Kind::inside;
        count += infos[after].run;
    }
    if (first > 0 && infos[first - 1].kind == Kind::free) {
        uint32_t before = first - infos[first - 1].run;
        unlink(free_runs_, before);
        infos[first - 1].kind = Kind::inside;
        count += first - before;
        first = before;
    }
    // Both ends know the length; what lies between is nobody's.
    for (uint32_t end : {first, first + count - 1}) {
        infos[end].kind = Kind::free;
        infos[end].run = count;
    }
    link(free_runs_, first);
}

Slab::Place Slab::allocate_object(unsigned size_class) {
    size_t object_bytes = size_t{1} << (size_class + smallest_bits);
    auto per_page = static_cast<uint16_t>(page_bytes / object_bytes);
    uint32_t index = with_room_[size_class];
    if (index == none) {
        index = take_run(1);
        if (index == none) return 0;
        Page& fresh = pages()[index];
        fresh.kind = Kind::objects;
        fresh.size_class = static_cast<uint8_t>(size_class);
        fresh.used = fresh.fresh = fresh.returned = 0;
        link(with_room_[size_class], index);
    }
    Page& info = pages()[index];
    size_t number = info.fresh;
    if (info.returned != 0) {
        number = info.returned - 1u;
        memcpy(&info.returned, page(index) + number * object_bytes, sizeof info.returned);
    } else {
        ++info.fresh;
    }
    if (++info.used == per_page) unlink(with_room_[size_class], index);
    return static_cast<Place>((page(index) + number * object_bytes - memory()) / 8);
}

Slab::Place Slab::allocate(size_t bytes) {
    if (bytes <= object_bytes_max) {
        auto bits = static_cast<unsigned>(std::bit_width(std::max<size_t>(bytes, 1) - 1));
        return allocate_object(std::max(bits, smallest_bits) - smallest_bits);
    }
    if (bytes > all_bytes()) return 0;
    uint32_t run = take_run(static_cast<uint32_t>((bytes + page_bytes - 1) / page_bytes));
    return run == none ? 0 : static_cast<Place>((page(run) - memory()) / 8);
}

void Slab::free(Place place) {
    uint64_t at = uint64_t{place} * 8;
    CHECK(at >= pages_at_);
    auto index = static_cast<uint32_t>((at - pages_at_) / page_bytes);
    CHECK(index < pages_);
    Page& info = pages()[index];
    if (info.kind == Kind::first) return give_run(index, info.run);

    CHECK(info.kind == Kind::objects && info.used > 0);
    size_t object_bytes = size_t{1} << (info.size_class + smallest_bits);
    auto per_page = static_cast<uint16_t>(page_bytes / object_bytes);
    uint32_t& list = with_room_[info.size_class];
    if (info.used-- == per_page) link(list, index);
    if (info.used == 0) {
        unlink(list, index);
        return give_run(index, 1);
    }
    memcpy(memory() + at, &info.returned, sizeof info.returned);
    info.returned = static_cast<uint16_t>((at - pages_at_) % page_bytes / object_bytes + 1);
}

}  // namespace ringx

// base/slab.h - an allocator inside a given piece of memory, which several processes may have at different addresses.
//
// So it speaks of places, not of pointers. Memory is cut into pages; a page holds objects of one size class (powers of
// two, from 16 to 2048 bytes), what is larger has pages of its own. All bookkeeping lies in the memory itself, before
// the pages, so that copying or mapping the memory carries it along. It knows no locks: whoever shares it brings one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringx {

class Slab {
 public:
    // Where something lies: bytes from the beginning of the memory, divided by 8. 0: nowhere.
    using Place = uint32_t;

    static constexpr size_t page_bytes = 4096;
    static constexpr size_t bytes_max = size_t{32} << 30;

    // Makes all of it free. `reserved` bytes at the beginning are left alone.
    // REQUIRES: `memory` is aligned to 16; there is room for a page behind what is reserved.
    void format(void* memory, size_t bytes, size_t reserved);

    // At least that many bytes, aligned to 16; nowhere when there is no room.
    Place allocate(size_t bytes);
    void free(Place place);

    // How many bytes of `pages` are in no page that is in use.
    size_t free_bytes() const { return size_t{free_pages_} * page_bytes; }
    size_t all_bytes() const { return size_t{pages_} * page_bytes; }

 private:
    static constexpr unsigned classes = 8;
    static constexpr unsigned smallest_bits = 4;
    static constexpr uint32_t none = ~uint32_t{0};
    enum class Kind : uint8_t { free, first, inside, objects };

    // What is known about a page.
    struct Page {
        uint32_t next, before;  // in the list of pages with room of this class, or of free runs
        uint32_t run;           // pages of the run it is first (or, when free, also last) of
        uint16_t used;          // objects
        uint16_t fresh;         // objects from here on were never used
        uint16_t returned;      // the first object that was freed, counted from 1; each holds the next
        Kind kind;
        uint8_t size_class;
    };

    Page* pages() { return reinterpret_cast<Page*>(reinterpret_cast<char*>(this) + infos_at_); }
    char* memory() { return reinterpret_cast<char*>(this) - this_at_; }
    char* page(uint32_t index) { return memory() + pages_at_ + size_t{index} * page_bytes; }

    Place allocate_object(unsigned size_class);
    uint32_t take_run(uint32_t pages);
    void give_run(uint32_t first, uint32_t pages);
    void link(uint32_t& list, uint32_t page);
    void unlink(uint32_t& list, uint32_t page);

    uint64_t this_at_;   // where this object lies in the memory
    uint64_t infos_at_;  // where the array of Page lies behind this object
    uint64_t pages_at_;  // where the first page lies in the memory
    uint32_t pages_;
    uint32_t free_pages_;
    uint32_t free_runs_;
    uint32_t with_room_[classes];
};

}  // namespace ringx

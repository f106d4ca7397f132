// base/shared_zone.h - a piece of memory that several processes share, with one lock and one allocator.
//
// It is a memfd, so it lives as long as somebody has it open, and its pages are counted to those who use it. Everything
// in it is done under its lock, a robust mutex. Whoever dies holding the lock may have left anything: so the next one
// to take it empties the zone, wholly, before it goes on. That is the whole repair: there is no state of the zone, at
// any instruction, that it does not mend, also when it is interrupted itself. Users therefore keep in a zone only what
// may be lost, or what they can put there again; `emptied()` tells them that they have to. So anybody may empty a zone
// at any time, if what it holds may be lost now. What is in it may be secret, and never is part of a core dump.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "base/siphash.h"
#include "base/slab.h"

namespace ringx {

class SharedZone {
 public:
    // No zone is smaller: eight pages, as in nginx.
    static constexpr size_t bytes_min = 8 * Slab::page_bytes;

    // Makes an empty one. The name is what /proc shows.
    static Result<std::shared_ptr<SharedZone>> create(const std::string& name, size_t bytes);
    // Maps one that another process made.
    static Result<std::shared_ptr<SharedZone>> attach(Fd fd);

    SharedZone(const SharedZone&) = delete;
    SharedZone& operator=(const SharedZone&) = delete;
    ~SharedZone();

    int fd() const { return fd_.get(); }
    size_t bytes() const { return bytes_; }
    // Whether it is the memory this descriptor stands for.
    bool is(int fd) const;

    // A number that changes with what users say is news for all, and when it was emptied. It is read without the lock:
    // who sees the one it has seen before has missed nothing.
    uint64_t news() const;

    class Lock;

 private:
    struct Header;

    SharedZone(Fd fd, void* memory, size_t bytes) : fd_(std::move(fd)), memory_(memory), bytes_(bytes) {}
    static Result<std::shared_ptr<SharedZone>> map(Fd fd);
    Header& header() const { return *static_cast<Header*>(memory_); }
    void empty();

    Fd fd_;
    void* memory_;
    size_t bytes_;
};

// Holds the zone's lock, for microseconds: no waiting, no I/O, no call into other code.
class SharedZone::Lock {
 public:
    explicit Lock(SharedZone& zone);
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock();

    // A process has died in here, and the zone was emptied just now.
    bool repaired() const { return repaired_; }
    // How often the zone was emptied since it was made.
    uint32_t emptied() const;
    // Takes everything out. What was at any place is gone.
    void empty();

    Slab::Place allocate(size_t bytes);
    void free(Slab::Place place);
    template <typename T>
    T* at(Slab::Place place) const {
        return reinterpret_cast<T*>(static_cast<char*>(zone_.memory_) + uint64_t{place} * 8);
    }
    Slab::Place place_of(const void* object) const {
        return static_cast<Slab::Place>((static_cast<const char*>(object) - static_cast<char*>(zone_.memory_)) / 8);
    }
    size_t free_bytes() const;
    size_t all_bytes() const;

    // See SharedZone::news(). Numbers only grow, also when it is emptied. Telling gives the new one.
    uint64_t news() const { return zone_.news(); }
    uint64_t tell_news();

    // The one object all others are found from; nowhere in an empty zone.
    Slab::Place& root();
    const HashSeed& seed() const;

 private:
    SharedZone& zone_;
    bool repaired_ = false;
};

}  // namespace ringx

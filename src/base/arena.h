// base/arena.h - memory that is given back all at once: one request's, or one configuration's.
//
// Allocation is a pointer bump inside chunks; what does not fit a chunk gets one of its own. Objects whose destructor
// does something are remembered and destroyed, newest first, when the arena is reset or destroyed; everything else is
// simply forgotten. Text and objects stay where they are until then, so views of them may be kept.
// It is no general allocator: nothing is freed singly, and one thread uses an arena at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ringx {

class Arena {
 public:
    // The first chunk is taken when first needed; chunks are `chunk_bytes` long.
    explicit Arena(size_t chunk_bytes = 4096) : chunk_bytes_(chunk_bytes) {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena();

    // Memory for `bytes` bytes; `align` is a power of two. Never null: out of memory aborts.
    void* allocate(size_t bytes, size_t align = alignof(std::max_align_t)) {
        uintptr_t at = (next_ + align - 1) & ~(uintptr_t{align} - 1);
        if (at + bytes > end_ || next_ == 0) [[unlikely]] return allocate_slow(bytes, align);
        next_ = at + bytes;
        return reinterpret_cast<void*>(at);
    }

    char* text(size_t bytes) { return static_cast<char*>(allocate(bytes, 1)); }

    // A copy of `from` that lives as long as the arena's content.
    std::string_view copy(std::string_view from);

    // The parts one after the other.
    std::string_view join(std::initializer_list<std::string_view> parts);

    template <typename T, typename... Args>
    T* make(Args&&... args) {
        void* at = allocate(sizeof(T), alignof(T));
        T* made = ::new (at) T(std::forward<Args>(args)...);
        if constexpr (!std::is_trivially_destructible_v<T>) {
            destroy_at_end(made, [](void* object) { static_cast<T*>(object)->~T(); });
        }
        return made;
    }

    template <typename T>
    std::span<T> make_array(size_t count) {
        static_assert(std::is_trivially_destructible_v<T>);
        T* first = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
        for (size_t i = 0; i < count; ++i) ::new (first + i) T();
        return {first, count};
    }

    // Destroys everything and keeps one chunk for what comes next.
    void reset();

    // Destroys everything and gives all memory back.
    void release();

 private:
    struct Chunk {
        Chunk* before;
        size_t bytes;  // the whole chunk, this head included
    };
    struct Destructor {
        Destructor* before;
        void* object;
        void (*destroy)(void*);
    };

    void* allocate_slow(size_t bytes, size_t align);
    void destroy_at_end(void* object, void (*destroy)(void*));
    void run_destructors();

    uintptr_t next_ = 0;
    uintptr_t end_ = 0;
    Chunk* chunks_ = nullptr;
    Destructor* destructors_ = nullptr;
    size_t chunk_bytes_;
};

}  // namespace ringx

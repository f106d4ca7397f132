#include "base/arena.h"

#include <cstdlib>
#include <cstring>

#include "base/check.h"

namespace ringx {

Arena::~Arena() { release(); }

void* Arena::allocate_slow(size_t bytes, size_t align) {
    size_t needed = sizeof(Chunk) + align + bytes;
    bool own_chunk = needed > chunk_bytes_;
    size_t size = own_chunk ? needed : chunk_bytes_;
    auto* chunk = static_cast<Chunk*>(malloc(size));
    CHECK(chunk != nullptr);
    chunk->bytes = size;
    uintptr_t at = (reinterpret_cast<uintptr_t>(chunk + 1) + align - 1) & ~(uintptr_t{align} - 1);

    if (own_chunk && chunks_ != nullptr) {
        // Behind the current chunk, which may still have room.
        chunk->before = chunks_->before;
        chunks_->before = chunk;
        return reinterpret_cast<void*>(at);
    }
    chunk->before = chunks_;
    chunks_ = chunk;
    next_ = at + bytes;
    end_ = reinterpret_cast<uintptr_t>(chunk) + size;
    return reinterpret_cast<void*>(at);
}

std::string_view Arena::copy(std::string_view from) {
    if (from.empty()) return {};
    char* to = text(from.size());
    memcpy(to, from.data(), from.size());
    return {to, from.size()};
}

std::string_view Arena::join(std::initializer_list<std::string_view> parts) {
    size_t bytes = 0;
    for (auto part : parts) bytes += part.size();
    if (bytes == 0) return {};
    char* to = text(bytes);
    char* at = to;
    for (auto part : parts) {
        if (part.empty()) continue;
        memcpy(at, part.data(), part.size());
        at += part.size();
    }
    return {to, bytes};
}

void Arena::destroy_at_end(void* object, void (*destroy)(void*)) {
    auto* entry = static_cast<Destructor*>(allocate(sizeof(Destructor), alignof(Destructor)));
    *entry = {destructors_, object, destroy};
    destructors_ = entry;
}

void Arena::run_destructors() {
    while (destructors_ != nullptr) {
        Destructor* entry = destructors_;
        destructors_ = entry->before;
        entry->destroy(entry->object);
    }
}

void Arena::reset() {
    run_destructors();
    if (chunks_ == nullptr) return;
    while (chunks_->before != nullptr) {
        Chunk* chunk = chunks_->before;
        chunks_->before = chunk->before;
        free(chunk);
    }
    next_ = reinterpret_cast<uintptr_t>(chunks_ + 1);
    end_ = reinterpret_cast<uintptr_t>(chunks_) + chunks_->bytes;
}

void Arena::release() {
    run_destructors();
    while (chunks_ != nullptr) {
        Chunk* chunk = chunks_;
        chunks_ = chunk->before;
        free(chunk);
    }
    next_ = end_ = 0;
}

}  // namespace ringx

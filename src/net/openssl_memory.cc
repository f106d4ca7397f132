#include "net/openssl_memory.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "base/free_list.h"

namespace ringx {
namespace {

// Sizes of blocks: multiples of 32 up to a KiB, and then four to an octave. What is larger than the buffers of a
// connection is rare.
constexpr size_t step_bytes = 32;
constexpr size_t small_bytes_max = 1024;
constexpr unsigned small_sizes = small_bytes_max / step_bytes;
constexpr unsigned first_octave = 10;
constexpr unsigned octaves = 6;
constexpr unsigned sizes_of_octave = 4;
constexpr unsigned sizes = small_sizes + octaves * sizes_of_octave;
constexpr size_t bytes_max = small_bytes_max << octaves;

constexpr unsigned size_for(size_t bytes) {
    if (bytes <= small_bytes_max) return static_cast<unsigned>((bytes - 1) / step_bytes);
    unsigned octave = static_cast<unsigned>(std::bit_width(bytes - 1)) - 1;
    unsigned quarter = static_cast<unsigned>((bytes - 1) >> (octave - 2)) - sizes_of_octave;
    return small_sizes + (octave - first_octave) * sizes_of_octave + quarter;
}

constexpr size_t bytes_of(unsigned size) {
    if (size < small_sizes) return (size + 1) * step_bytes;
    unsigned octave = (size - small_sizes) / sizes_of_octave + first_octave;
    unsigned quarter = (size - small_sizes) % sizes_of_octave;
    return size_t{sizes_of_octave + quarter + 1} << (octave - 2);
}

static_assert(size_for(1) == 0 && size_for(33) == 1 && size_for(bytes_max) == sizes - 1);
static_assert(bytes_of(size_for(1025)) == 1280 && bytes_of(size_for(2048)) == 2048 && bytes_of(sizes - 1) == bytes_max);

// How many blocks of a size a thread keeps.
constexpr size_t kept_max(unsigned size) { return std::clamp<size_t>((size_t{256} << 10) / bytes_of(size), 8, 256); }

// What comes before the memory, and leaves it aligned as malloc() has it.
struct alignas(std::max_align_t) Head {
    unsigned size;  // `sizes`: larger than all of them
};

Head* head_of(void* memory) { return static_cast<Head*>(memory) - 1; }

using Kept = std::array<FreeList, sizes>;
// OpenSSL frees what it has for a thread after the destructors of thread_local objects have run: these have none.
constinit thread_local Kept kept;
constinit thread_local bool is_ending = false;

struct EndOfThread {
    ~EndOfThread() {
        is_ending = true;
        for (FreeList& list : kept) list.release();
    }
    void await() {}  // who names a thread_local object has its destructor run
};
thread_local EndOfThread end_of_thread;

void* with_head(void* block, unsigned size) { return block != nullptr ? ::new (block) Head{size} + 1 : nullptr; }

void* take_for_openssl(size_t bytes, const char*, int) { return openssl_memory::take(bytes); }
void* resize_for_openssl(void* memory, size_t bytes, const char*, int) { return openssl_memory::resize(memory, bytes); }
void give_back_for_openssl(void* memory, const char*, int) { openssl_memory::give_back(memory); }

}  // namespace

void lend_openssl_memory() {
    if (!RINGX_KEEP_BLOCKS) return;
    CHECK(CRYPTO_set_mem_functions(take_for_openssl, resize_for_openssl, give_back_for_openssl) == 1);
}

void* openssl_memory::take(size_t bytes) {
    if (bytes == 0 || bytes > SIZE_MAX - sizeof(Head)) return nullptr;
    bytes += sizeof(Head);
    if (bytes > bytes_max) return with_head(malloc(bytes), sizes);
    unsigned size = size_for(bytes);
    void* block = kept[size].take();
    return with_head(block != nullptr ? block : malloc(bytes_of(size)), size);
}

void* openssl_memory::resize(void* memory, size_t bytes) {
    if (memory == nullptr) return take(bytes);
    if (bytes == 0) {
        give_back(memory);
        return nullptr;
    }
    Head* head = head_of(memory);
    if (head->size == sizes) {
        // It stays a large one.
        return bytes <= SIZE_MAX - sizeof(Head) ? with_head(realloc(head, bytes + sizeof(Head)), sizes) : nullptr;
    }
    size_t room = bytes_of(head->size) - sizeof(Head);
    if (bytes <= room) return memory;
    void* larger = take(bytes);
    if (larger == nullptr) return nullptr;
    std::memcpy(larger, memory, room);
    give_back(memory);
    return larger;
}

void openssl_memory::give_back(void* memory) {
    if (memory == nullptr) return;
    Head* head = head_of(memory);
    unsigned size = head->size;
    if (size < sizes && !is_ending) {
        end_of_thread.await();
        if (kept[size].keep(head, kept_max(size))) return;
    }
    free(head);
}

}  // namespace ringx

// http/body_store.h - a body that comes faster than it is taken: first in memory, and what does not fit in a file.
//
// First in, first out. One side puts bytes in, the other takes them out, and neither keeps the other waiting as long as
// there is room. While something is in the file, what follows goes there too; when all of it was taken, the file is
// used again from its beginning.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/loop.h"
#include "event/task.h"
#include "http/block_pool.h"
#include "http/temp_file.h"

namespace ringx::http {

class BodyStore {
 public:
    struct Limits {
        size_t memory_bytes;
        uint64_t file_bytes;  // 0: no file
        const TempPath* path;
    };
    // Both outlive it.
    BodyStore(Loop& loop, BlockPool& pool, const Limits& limits) : loop_(loop), pool_(pool), limits_(limits) {}
    ~BodyStore();

    // These come first, whatever the limits are. REQUIRES: nothing was put in.
    void begin_with(std::string_view bytes);

    // Where bytes may be put next, by put(); empty: all of the memory is in use, or the file has to be emptied first.
    std::span<char> room();
    // So many were put there; 0: none, and the memory is not wanted any more.
    void put(size_t bytes);

    // The same for the file: memory to receive into, and then put_into_file() brings it there. When the file cannot be
    // made the bytes stay in memory, and there will be no file.
    bool may_use_file() const { return (file_begin_ == file_end_ ? 0 : file_end_) < limits_.file_bytes; }
    std::span<char> file_room();
    Task<Result<>> put_into_file(size_t bytes);
    const TempFile& file() const { return file_; }

    bool empty() const;
    // Takes the oldest bytes out; they are valid until the next call. REQUIRES: it is not empty.
    Task<Result<std::string_view>> take();
    // Gives back what take() gave; take() does so, too.
    void let_go();

 private:
    struct Block {
        BlockPool::Block memory;
        size_t size;
        size_t filled = 0;
        size_t taken = 0;
    };

    size_t block_bytes() const;
    void drop(size_t block);
    Task<Result<std::string_view>> read_file();

    Loop& loop_;
    BlockPool& pool_;
    Limits limits_;
    std::vector<Block> blocks_;    // the oldest first
    bool is_lent_ = false;         // of the first block, what is `taken`
    bool is_being_filled_ = false;  // the last block, behind what is `filled`
    BlockPool::Block in_;          // on the way to the file
    BlockPool::Block out_;         // read from it
    TempFile file_;
    uint64_t file_begin_ = 0;      // of what is in the file and was not taken
    uint64_t file_end_ = 0;
};

}  // namespace ringx::http

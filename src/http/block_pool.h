// http/block_pool.h - memory for bodies on their way through a worker, in blocks of one size.
//
// What was given back last is taken first: it is still in the CPU's cache, and so much of the cost of passing a body on
// is waiting for memory that a cold block makes it several times as dear.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace ringx::http {

class BlockPool {
 public:
    static constexpr size_t block_bytes = 64 * 1024;
    using Block = std::unique_ptr<char[]>;

    Block take() {
        if (free_.empty()) return std::make_unique_for_overwrite<char[]>(block_bytes);
        Block block = std::move(free_.back());
        free_.pop_back();
        return block;
    }
    // Null is nothing.
    void give_back(Block block) {
        if (block != nullptr && free_.size() < kept_max) free_.push_back(std::move(block));
    }

 private:
    static constexpr size_t kept_max = 64;

    std::vector<Block> free_;
};

}  // namespace ringx::http

// http/pieced_text.h - texts that grow side by side, in pieces of blocks that are used again.
//
// A report has dozens of texts, most of them short and some of megabytes. As strings they would be copied whenever they
// grow, and memory that is fresh costs more than what is written there. So they share the worker's blocks, of which
// each takes a piece at a time; what is in it stays where it is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "http/block_pool.h"

namespace ringx::http {

// The memory of such texts.
class TextBlocks {
 public:
    explicit TextBlocks(BlockPool& pool) : pool_(pool) {}
    TextBlocks(const TextBlocks&) = delete;
    TextBlocks& operator=(const TextBlocks&) = delete;
    ~TextBlocks() {
        for (BlockPool::Block& block : blocks_) pool_.give_back(std::move(block));
    }

    // A piece of at least so many bytes.
    std::span<char> take(size_t bytes) {
        bytes = std::max(bytes, piece_bytes);
        if (bytes > BlockPool::block_bytes) {
            return {large_.emplace_back(std::make_unique_for_overwrite<char[]>(bytes)).get(), bytes};
        }
        if (room_.size() < bytes) room_ = {blocks_.emplace_back(pool_.take()).get(), BlockPool::block_bytes};
        std::span<char> piece = room_.first(bytes);
        room_ = room_.subspan(bytes);
        return piece;
    }

 private:
    static constexpr size_t piece_bytes = 4096;

    BlockPool& pool_;
    std::vector<BlockPool::Block> blocks_;
    std::vector<std::unique_ptr<char[]>> large_;
    std::span<char> room_;  // of the last block
};

class PiecedText {
 public:
    explicit PiecedText(TextBlocks& blocks) : blocks_(&blocks) {}

    // Where so many bytes may be written; wrote() tells where they end.
    char* room(size_t bytes) {
        if (free_.size() < bytes) {
            free_ = blocks_->take(bytes);
            pieces_.emplace_back(free_.data(), 0);
        }
        return free_.data();
    }
    void wrote(const char* end) {
        auto bytes = static_cast<size_t>(end - free_.data());
        pieces_.back() = {pieces_.back().data(), pieces_.back().size() + bytes};
        free_ = free_.subspan(bytes);
    }
    void append(std::string_view text) {
        if (!text.empty()) wrote(put(room(text.size()), text));
    }

    std::span<const std::string_view> pieces() const { return pieces_; }

    // Copies, and returns the end. (Of std::ranges::copy g++ 12 makes a loop over bytes.)
    static char* put(char* to, std::string_view text) { return to + text.copy(to, text.size()); }

 private:
    TextBlocks* blocks_;
    std::span<char> free_;  // behind what was written to the last piece
    std::vector<std::string_view> pieces_;
};

}  // namespace ringx::http

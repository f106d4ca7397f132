// conf/block.h - one block of a loaded configuration: the main one, an http, a server, a location.
//
// It holds the settings of every module that may speak there, by slot. Blocks live in the arena of their Tree and never
// move; inner blocks stand in the order of the text.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/check.h"
#include "conf/context.h"
#include "conf/statement.h"

namespace ringx::conf {

class Block {
 public:
    Block(Context context, Block* outer, std::span<const Word> words, Place place, std::span<void*> settings)
        : context_(context), outer_(outer), words_(words), place_(place), settings_(settings) {}
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    Context context() const { return context_; }

    // The block around this one; null for the main block.
    Block* outer() { return outer_; }
    const Block* outer() const { return outer_; }
    std::span<Block* const> inner() const { return inner_; }

    // What stood between the directive's name and its `{`, and where the name stood.
    std::span<const Word> words() const { return words_; }
    const Place& place() const { return place_; }

    void* settings(size_t slot) const {
        CHECK(slot < settings_.size() && settings_[slot] != nullptr);
        return settings_[slot];
    }

    // This block has settings of its own in that slot, rather than those of the block around it.
    bool owns(size_t slot) const { return outer_ == nullptr || settings_[slot] != outer_->settings_[slot]; }

 private:
    friend class Binder;

    Context context_;
    Block* outer_;
    std::span<const Word> words_;
    Place place_;
    std::span<void*> settings_;
    std::vector<Block*> inner_;
};

}  // namespace ringx::conf

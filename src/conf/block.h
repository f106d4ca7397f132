// conf/block.h - one block of a loaded configuration: the main one, an http, a server, a location.
//
// It holds the settings of every module that may speak there, by slot. While statements are bound, it has those it was
// given something of; what is left is filled in when all is read, and then blocks that say nothing share what they
// inherit. Blocks live in the arena of their Tree and never move; inner blocks stand in the order of the text.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/check.h"
#include "conf/context.h"
#include "conf/statement.h"

namespace ringx {
class Arena;
}

namespace ringx::conf {

class SlotBase;

class Block {
 public:
    Block(Context context, Block* outer, std::span<const Word> words, Place place, std::span<void*> settings,
          Arena& arena)
        : context_(context), outer_(outer), words_(words), place_(place), settings_(settings), arena_(arena) {}
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

    // What rules here; while statements are bound, the nearest there is.
    const void* settings(size_t slot) const {
        CHECK(slot < settings_.size());
        const Block* at = this;
        while (at->settings_[slot] == nullptr) [[unlikely]] at = at->outer_;
        return at->settings_[slot];
    }

    // This block's own, made when they are first asked for; where none of the slot's directives may stand, those of the
    // nearest block around it in which they may.
    void* own(const SlotBase& slot);

 private:
    friend class Binder;

    Context context_;
    Block* outer_;
    std::span<const Word> words_;
    Place place_;
    std::span<void*> settings_;
    Arena& arena_;
    std::vector<Block*> inner_;
};

}  // namespace ringx::conf

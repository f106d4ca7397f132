#include "conf/block.h"

#include "conf/slot.h"

namespace ringx::conf {

void* Block::own(const SlotBase& slot) {
    Block* at = this;
    while (at->outer_ != nullptr && !slot.contexts_.overlaps(at->context_)) at = at->outer_;
    void*& settings = at->settings_[slot.index()];
    if (settings == nullptr) settings = slot.make_(arena_);
    return settings;
}

}  // namespace ringx::conf

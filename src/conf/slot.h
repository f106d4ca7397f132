// conf/slot.h - where a module's settings are found in every block of a configuration.
//
// A module has one Slot<Settings>. When the language is put together the slot gets its index, once and for good; each
// block keeps an array of settings by that index, so `settings.in(block)` is one load. A block in which none of the
// slot's directives may stand has no settings of its own there: it sees those of the block around it. And blocks of one
// kind that give nothing of a slot share one instance of what they inherit, so it is not for what tells them apart:
// who needs an instance in every such block says so, or asks for it while the block is bound, through in(Block&).
//
// Settings may have three members beside their values:
//     static constexpr Context of_each = …;    the kinds of blocks that each have an instance
//     void inherit(const Settings& outer);     what the rows of their directives do not cover
//     void complete(conf::Completion&);        when all is read and inherited, outer blocks first, where one may stand
#pragma once

#include <concepts>
#include <cstddef>

#include "base/arena.h"
#include "base/check.h"
#include "conf/block.h"
#include "conf/context.h"

namespace ringx::conf {

class Completion;

// Tells types apart: rows and slots that belong together have the same one.
template <typename S>
inline constexpr char type_of_settings = 0;

class SlotBase {
 public:
    // REQUIRES: the slot is part of a Language.
    size_t index() const { return static_cast<size_t>(index_); }

 protected:
    constexpr SlotBase(const void* type, Context also, Context of_each, void* (*make)(Arena&),
                       void (*inherit)(void*, const void*), void (*complete)(void*, Completion&))
        : type_(type), also_(also), of_each_(of_each), make_(make), inherit_(inherit), complete_(complete) {}

 private:
    friend class Language;
    friend class Binder;

    friend class Block;

    const void* type_;
    Context also_;
    Context of_each_;
    Context contexts_;  // where it has instances of its own, in any language
    void* (*make_)(Arena&);
    void (*inherit_)(void* inner, const void* outer);    // null when the type has none
    void (*complete_)(void* settings, Completion&);      // null when the type has none
    int index_ = -1;
};

template <typename S>
class Slot : public SlotBase {
 public:
    // The settings stand in every block where a row of theirs is allowed, and in the blocks of `also`.
    constexpr explicit Slot(Context also = {})
        : SlotBase(&type_of_settings<S>, also, of_each(), [](Arena& arena) -> void* { return arena.make<S>(); },
                   inherit_of(), complete_of()) {}

    S& in(Block& block) const { return *static_cast<S*>(block.own(*this)); }
    const S& in(const Block& block) const { return *static_cast<const S*>(block.settings(index())); }

 private:
    using Inherit = void (*)(void*, const void*);
    using Complete = void (*)(void*, Completion&);

    static constexpr Context of_each() {
        if constexpr (requires { S::of_each; }) {
            return S::of_each;
        } else {
            return {};
        }
    }

    static constexpr Inherit inherit_of() {
        if constexpr (requires(S& inner, const S& outer) { inner.inherit(outer); }) {
            return [](void* inner, const void* outer) {
                static_cast<S*>(inner)->inherit(*static_cast<const S*>(outer));
            };
        } else {
            return nullptr;
        }
    }

    static constexpr Complete complete_of() {
        if constexpr (requires(S& settings, Completion& completion) { settings.complete(completion); }) {
            return [](void* settings, Completion& completion) { static_cast<S*>(settings)->complete(completion); };
        } else {
            return nullptr;
        }
    }
};

}  // namespace ringx::conf

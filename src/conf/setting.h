// conf/setting.h - one value of a module's settings: its default, what the administrator gave, and whether he did.
//
// Binding sets `value` and `given`. Inheritance then fills a setting that was not given from the block around, and says
// so in `inherited` when somebody outside had given it. At run time only the value matters: *setting, setting->member.
#pragma once

#include <utility>

namespace ringx {

template <typename T>
struct Setting {
    T value{};
    bool given = false;      // written in this very block
    bool inherited = false;  // written in a block around it

    constexpr Setting() = default;
    constexpr Setting(T fallback) : value(std::move(fallback)) {}

    constexpr const T& operator*() const { return value; }
    constexpr const T* operator->() const { return &value; }
    constexpr operator const T&() const { return value; }

    // Somebody wrote it, here or further out; otherwise the value is the default.
    constexpr bool written() const { return given || inherited; }

    void give(T given_value) {
        value = std::move(given_value);
        given = true;
    }

    void inherit(const Setting& outer) {
        if (given) return;
        value = outer.value;
        inherited = outer.written();
    }
};

}  // namespace ringx

// conf/directive.h - one row says all about a directive: name, contexts, arguments, parsing, inheritance, help.
//
//     constexpr conf::Directive directives[] = {
//         conf::value<&Settings::root>("root", conf::http | conf::server | conf::location, "The directory …"),
//         conf::value<&Settings::level>("gzip_comp_level", conf::http, "How hard …").between(1, 9),
//         conf::custom<&set_expires, &S::expires>("expires", conf::http, {1, 2}, "How long …"),
//         conf::block<&open_server>("server", conf::http, {0, 0}, "A virtual server."),
//     };
//
// All rows of a section speak of the settings type of its slot. The members they name are:
//     value    Setting<T>, T a Value (conf/value.h); a second mention in a block is refused
//     list     Setting<std::vector<T>>; every argument of every mention is appended
//     custom   void function(S&, Binding&) does as it likes; the members named after it are inherited like values
//     block    void function(S&, Binding&) calls binding.enter(context), or reads binding.children()
// What a block was not given it takes from the block around, lists as a whole.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "conf/binding.h"
#include "conf/context.h"
#include "conf/setting.h"
#include "conf/slot.h"
#include "conf/value.h"

namespace ringx::conf {

// How many words may follow the name.
struct Arity {
    static constexpr uint16_t unlimited = std::numeric_limits<uint16_t>::max();
    uint16_t min = 1;
    uint16_t max = 1;
};

inline constexpr Arity at_least_one{1, Arity::unlimited};
inline constexpr Arity any_number{0, Arity::unlimited};

struct Directive {
    std::string_view name;
    Context contexts;
    Arity arity;
    bool has_block = false;
    bool has_effect = true;  // false: checked and accepted only; `server -t` notes it
    bool is_once = false;    // the binder refuses a second mention in a block; rows with settings do it themselves
    std::string_view help;
    std::string_view arguments = {};  // as the man page shows them; empty: what `syntax` says

    int64_t low = std::numeric_limits<int64_t>::min();
    int64_t high = std::numeric_limits<int64_t>::max();

    const void* settings_type = nullptr;  // null when the row needs no settings
    void* (*part)(void* settings) = nullptr;  // what of them the row speaks of; null: all
    void (*set)(void* settings, Binding&) = nullptr;
    void (*inherit)(void* inner, const void* outer) = nullptr;  // null: never inherited
    std::string (*syntax)() = nullptr;

    // The row with one thing changed.
    constexpr Directive between(int64_t least, int64_t most) const {
        Directive row = *this;
        row.low = least;
        row.high = most;
        return row;
    }
    constexpr Directive at_least(int64_t least) const { return between(least, high); }
    constexpr Directive taking(Arity words) const {
        Directive row = *this;
        row.arity = words;
        return row;
    }
    constexpr Directive without_effect() const {
        Directive row = *this;
        row.has_effect = false;
        return row;
    }
    constexpr Directive shown_as(std::string_view text) const {
        Directive row = *this;
        row.arguments = text;
        return row;
    }
    constexpr Directive not_inherited() const {
        Directive row = *this;
        row.inherit = nullptr;
        return row;
    }
    // For settings that have as a `member` those this row speaks of. Their inherit() asks the member to.
    template <auto member>
    constexpr Directive within() const;
    constexpr Directive repeatable() const {
        Directive row = *this;
        row.is_once = false;
        return row;
    }
};

namespace rows {  // how the makers below take a pointer to member or function apart

template <typename Pointer>
struct Member;
template <typename S, typename T>
struct Member<Setting<T> S::*> {
    using Settings = S;
    using Type = T;
};

template <typename Pointer>
struct Part;
template <typename S, typename P>
struct Part<P S::*> {
    using Settings = S;
};

template <typename Function>
struct Setter;
template <typename S>
struct Setter<void (*)(S&, Binding&)> {
    using Settings = S;
};

template <typename T>
inline constexpr Arity arity_of{1, 1};
template <>
inline constexpr Arity arity_of<Buffers>{2, 2};
template <typename E>
inline constexpr Arity arity_of<Flags<E>> = at_least_one;

// Reads all words of the statement as one T.
template <typename T>
struct Reader {
    static std::optional<T> read(Binding& binding) { return binding.parse<T>(binding.words()[0]); }
};
template <>
struct Reader<Buffers> {
    static std::optional<Buffers> read(Binding& binding);
};

// Sets add up over several mentions, as nginx's.
template <typename E>
void add_flags(Setting<Flags<E>>& setting, Binding& binding) {
    if (!setting.given) setting.give({});  // the default goes when the first word comes
    for (const Word& word : binding.words()) {
        auto flag = binding.parse<E>(word);
        if (!flag) continue;
        if (setting->has(*flag)) binding.duplicate_value(word);
        setting.value.add(*flag);
    }
}

template <typename T>
inline constexpr bool is_flags = false;
template <typename E>
inline constexpr bool is_flags<Flags<E>> = true;

// S is the type whose members these are. It is named although the members tell: modules name their settings alike, in
// anonymous namespaces, and only a type among the arguments keeps g++ 12 from making one function of two modules'.
template <typename S, auto member>
void set_value(void* settings, Binding& binding) {
    using M = Member<decltype(member)>;
    auto& setting = static_cast<S*>(settings)->*member;
    if constexpr (is_flags<typename M::Type>) {
        add_flags(setting, binding);
    } else {
        if (setting.given) return binding.duplicate();
        auto value = Reader<typename M::Type>::read(binding);
        if (value) setting.value = std::move(*value);
        setting.given = true;  // also when wrong: a second mention is a mistake of its own
    }
}

template <typename S, auto member>
void append(void* settings, Binding& binding) {
    using M = Member<decltype(member)>;
    auto& setting = static_cast<S*>(settings)->*member;
    if (!setting.given) setting.value.clear();  // the default goes when the first word comes
    setting.given = true;
    for (const Word& word : binding.words()) {
        auto item = binding.parse<typename M::Type::value_type>(word);
        if (item) setting.value.push_back(std::move(*item));
    }
}

template <auto function>
void call(void* settings, Binding& binding) {
    using S = typename Setter<decltype(function)>::Settings;
    function(*static_cast<S*>(settings), binding);
}

template <typename S, auto... members>
void inherit([[maybe_unused]] void* inner, [[maybe_unused]] const void* outer) {
    ((static_cast<S*>(inner)->*members).inherit(static_cast<const S*>(outer)->*members), ...);
}

template <typename T>
void check_only(void*, Binding& binding) {
    (void)Reader<T>::read(binding);
}

template <auto function>
void check_by(void*, Binding& binding) {
    function(binding);
}

}  // namespace rows

template <auto member>
constexpr Directive Directive::within() const {
    using S = typename rows::Part<decltype(member)>::Settings;
    Directive row = *this;
    row.settings_type = &type_of_settings<S>;
    row.part = [](void* settings) -> void* { return &(static_cast<S*>(settings)->*member); };
    row.inherit = nullptr;
    return row;
}

// Rows of several origins, as those of one module.
template <size_t first, size_t second>
constexpr std::array<Directive, first + second> joined(const std::array<Directive, first>& one,
                                                       const std::array<Directive, second>& other) {
    std::array<Directive, first + second> all{};
    std::copy(one.begin(), one.end(), all.begin());
    std::copy(other.begin(), other.end(), all.begin() + first);
    return all;
}

template <auto member>
constexpr Directive value(std::string_view name, Context contexts, std::string_view help) {
    using M = rows::Member<decltype(member)>;
    return {.name = name,
            .contexts = contexts,
            .arity = rows::arity_of<typename M::Type>,
            .help = help,
            .settings_type = &type_of_settings<typename M::Settings>,
            .set = rows::set_value<typename M::Settings, member>,
            .inherit = rows::inherit<typename M::Settings, member>,
            .syntax = Value<typename M::Type>::syntax};
}

template <auto member>
constexpr Directive list(std::string_view name, Context contexts, std::string_view help) {
    using M = rows::Member<decltype(member)>;
    return {.name = name,
            .contexts = contexts,
            .arity = at_least_one,
            .help = help,
            .settings_type = &type_of_settings<typename M::Settings>,
            .set = rows::append<typename M::Settings, member>,
            .inherit = rows::inherit<typename M::Settings, member>,
            .syntax = [] { return Value<typename M::Type::value_type>::syntax() + " ..."; }};
}

template <auto function, auto... inherited>
constexpr Directive custom(std::string_view name, Context contexts, Arity arity, std::string_view help) {
    using S = typename rows::Setter<decltype(function)>::Settings;
    return {.name = name,
            .contexts = contexts,
            .arity = arity,
            .help = help,
            .settings_type = &type_of_settings<S>,
            .set = rows::call<function>,
            .inherit = sizeof...(inherited) == 0 ? nullptr : rows::inherit<S, inherited...>};
}

template <auto function, auto... inherited>
constexpr Directive block(std::string_view name, Context contexts, Arity arity, std::string_view help) {
    Directive row = custom<function, inherited...>(name, contexts, arity, help);
    row.has_block = true;
    return row;
}

// A directive of nginx that has no meaning here: it is noted, when context and number of arguments are right and the
// block has no other one.
constexpr Directive accepted(std::string_view name, Context contexts, Arity arity, std::string_view help) {
    return {.name = name, .contexts = contexts, .arity = arity, .has_effect = false, .is_once = true, .help = help};
}

// The same, with the words checked by `void function(Binding&)`.
template <auto function>
constexpr Directive accepted(std::string_view name, Context contexts, Arity arity, std::string_view help) {
    Directive row = accepted(name, contexts, arity, help);
    row.set = rows::check_by<function>;
    return row;
}

// The same, with the argument checked to be a T.
template <typename T>
constexpr Directive accepted(std::string_view name, Context contexts, std::string_view help) {
    Directive row = accepted(name, contexts, rows::arity_of<T>, help);
    row.set = rows::check_only<T>;
    row.syntax = Value<T>::syntax;
    return row;
}

}  // namespace ringx::conf

// conf/value.h - words of the configuration read as values: on and off, numbers, sizes, times, names.
//
// Value<T> says how a T is written; other rooms add their own by specialising it. The grammar of the ready ones is
// nginx's, oddities included. A word that is no T comes back as Invalid, which becomes nginx's sentence once the
// directive is known.
//
//     template <> struct conf::Value<Color> {
//         static conf::Parsed<Color> parse(std::string_view text);
//         static std::string syntax() { return "red | green"; }   // for the man page
//     };
//
// An enumeration only needs its names, found by argument-dependent lookup beside it:
//     constexpr std::array<conf::Choice<Balance>, 2> choices(Balance) { return {{{"random", Balance::random}, …}}; }
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace ringx::conf {

// Why a word is not the value that was asked for.
struct Invalid {
    enum class Kind : uint8_t {
        value,     // "x" directive invalid value
        number,    // "x" directive invalid number
        flag,      // invalid value "maybe" in "x" directive, it must be "on" or "off"
        choice,    // invalid value "fastest" in "x" directive
        sentence,  // what `sentence` says
    };
    Kind kind = Kind::value;
    std::string hint = {};
    std::string sentence = {};
};

// The sentence for a word of the directive that is called `directive`.
std::string sentence(const Invalid& invalid, std::string_view directive, std::string_view text);

template <typename T>
using Parsed = std::expected<T, Invalid>;

template <typename T>
struct Value;

template <typename T>
Parsed<T> parse(std::string_view text) {
    return Value<T>::parse(text);
}

// A size in bytes: digits, then k or m.
struct Size {
    size_t bytes = 0;
    constexpr Size() = default;
    constexpr Size(size_t bytes) : bytes(bytes) {}
    constexpr operator size_t() const { return bytes; }
};

// A size that may also be written in g: of files, bodies and caches.
struct Offset {
    uint64_t bytes = 0;
    constexpr Offset() = default;
    constexpr Offset(uint64_t bytes) : bytes(bytes) {}
    constexpr operator uint64_t() const { return bytes; }
};

// `proxy_buffers 8 4k`: the one value that takes two words.
struct Buffers {
    size_t count = 0;
    size_t size = 0;
    friend constexpr bool operator==(const Buffers&, const Buffers&) = default;
};

template <typename E>
struct Choice {
    std::string_view name;
    E value;
};

template <typename E>
concept HasChoices = std::is_enum_v<E> && requires(E e) { choices(e); };

// A set of choices, written one after the other.
template <HasChoices E>
class Flags {
 public:
    constexpr Flags() = default;
    constexpr Flags(std::initializer_list<E> members) {
        for (E member : members) add(member);
    }
    constexpr void add(E member) { bits_ |= uint64_t{1} << static_cast<unsigned>(member); }
    constexpr bool has(E member) const { return (bits_ >> static_cast<unsigned>(member) & 1) != 0; }
    friend constexpr bool operator==(const Flags&, const Flags&) = default;

 private:
    uint64_t bits_ = 0;  // bit n stands for the enumerator of value n
};

template <>
struct Value<bool> {
    static Parsed<bool> parse(std::string_view text);
    static std::string syntax() { return "on | off"; }
};

template <>
struct Value<Size> {
    static Parsed<Size> parse(std::string_view text);
    static std::string syntax() { return "size"; }
};

template <>
struct Value<Offset> {
    static Parsed<Offset> parse(std::string_view text);
    static std::string syntax() { return "size"; }
};

template <>
struct Value<std::chrono::milliseconds> {
    static Parsed<std::chrono::milliseconds> parse(std::string_view text);
    static std::string syntax() { return "time"; }
};

template <>
struct Value<std::chrono::seconds> {
    static Parsed<std::chrono::seconds> parse(std::string_view text);
    static std::string syntax() { return "time"; }
};

template <>
struct Value<Buffers> {
    static Parsed<Buffers> parse(std::string_view count, std::string_view size);
    static std::string syntax() { return "number size"; }
};

// The text itself; it lives as long as the tree.
template <>
struct Value<std::string_view> {
    static Parsed<std::string_view> parse(std::string_view text) { return text; }
    static std::string syntax() { return "string"; }
};

// Digits only, as nginx; signed types also take a `-`.
Parsed<uint64_t> parse_unsigned(std::string_view text, uint64_t max);
Parsed<int64_t> parse_signed(std::string_view text, int64_t min, int64_t max);

template <std::integral T>
struct Value<T> {
    static Parsed<T> parse(std::string_view text) {
        using Limits = std::numeric_limits<T>;
        if constexpr (std::is_signed_v<T>) {
            auto number = parse_signed(text, Limits::min(), Limits::max());
            if (!number) return std::unexpected(number.error());
            return static_cast<T>(*number);
        } else {
            auto number = parse_unsigned(text, Limits::max());
            if (!number) return std::unexpected(number.error());
            return static_cast<T>(*number);
        }
    }
    static std::string syntax() { return "number"; }
};

// "a, b or c" and "a | b | c" of the names of the choices.
std::string expected_one_of(std::span<const std::string_view> names);
std::string syntax_of(std::span<const std::string_view> names);

// True when they are equal but for the case of ASCII letters: nginx's comparison of keyword values.
bool same_keyword(std::string_view a, std::string_view b);

template <HasChoices E>
struct Value<E> {
    static constexpr auto table = choices(E{});

    static constexpr auto names() {
        std::array<std::string_view, table.size()> names;
        for (size_t i = 0; i < table.size(); ++i) names[i] = table[i].name;
        return names;
    }
    static Parsed<E> parse(std::string_view text) {
        for (const auto& choice : table) {
            if (same_keyword(choice.name, text)) return choice.value;
        }
        return std::unexpected(Invalid{Invalid::Kind::choice, expected_one_of(names())});
    }
    static std::string syntax() { return syntax_of(names()); }
};

template <HasChoices E>
struct Value<Flags<E>> {
    static std::string syntax() { return Value<E>::syntax() + " ..."; }
};

}  // namespace ringx::conf

// conf/context.h - the kinds of block in which a directive may stand, as a set.
//
// A row of a directive says with it where it is allowed; a block has exactly one of the bits. The names are nginx's:
// `server` and `location` are those of http; the blocks of layer 4 begin with `stream`. Blocks whose lines are no
// directives (types, map, geo) are no contexts: their directive reads them as statements.
#pragma once

#include <cstdint>
#include <string>

namespace ringx::conf {

class Context {
 public:
    constexpr Context() = default;
    constexpr explicit Context(uint32_t bits) : bits_(bits) {}

    constexpr bool includes(Context other) const { return (bits_ & other.bits_) == other.bits_; }
    constexpr bool overlaps(Context other) const { return (bits_ & other.bits_) != 0; }
    constexpr uint32_t bits() const { return bits_; }

    friend constexpr Context operator|(Context a, Context b) { return Context(a.bits_ | b.bits_); }
    constexpr Context& operator|=(Context other) { return *this = *this | other; }
    friend constexpr bool operator==(Context, Context) = default;

 private:
    uint32_t bits_ = 0;
};

inline constexpr Context main{1u << 0};
inline constexpr Context events{1u << 1};
inline constexpr Context http{1u << 2};
inline constexpr Context server{1u << 3};
inline constexpr Context location{1u << 4};
inline constexpr Context upstream{1u << 5};
inline constexpr Context if_in_server{1u << 6};
inline constexpr Context if_in_location{1u << 7};
inline constexpr Context limit_except{1u << 8};
inline constexpr Context stream{1u << 9};
inline constexpr Context stream_server{1u << 10};
inline constexpr Context stream_upstream{1u << 11};
inline constexpr Context any_block{(1u << 12) - 1};

// "http, server, location": the set as nginx's documentation writes it.
std::string names(Context contexts);

}  // namespace ringx::conf

// base/siphash.h - SipHash-1-3: a hash whose collisions nobody can find who does not know the seed.
//
// For tables whose keys come from the network. The algorithm is Aumasson's and Bernstein's, with one round for each
// word and three at the end, which is what hash tables of many languages use.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringx {

struct HashSeed {
    uint64_t words[2];

    // From the kernel's generator.
    static HashSeed random();
};

uint64_t siphash(const HashSeed& seed, std::string_view bytes);

}  // namespace ringx

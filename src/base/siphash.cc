#include "base/siphash.h"

#include <sys/random.h>

#include <bit>
#include <cstring>

#include "base/check.h"

namespace ringx {
namespace {

struct State {
    uint64_t a, b, c, d;

    void round() {
        a += b;
        b = std::rotl(b, 13) ^ a;
        a = std::rotl(a, 32);
        c += d;
        d = std::rotl(d, 16) ^ c;
        a += d;
        d = std::rotl(d, 21) ^ a;
        c += b;
        b = std::rotl(b, 17) ^ c;
        c = std::rotl(c, 32);
    }
    void add(uint64_t word) {
        d ^= word;
        round();
        a ^= word;
    }
};

}  // namespace

HashSeed HashSeed::random() {
    HashSeed seed;
    CHECK(getrandom(&seed, sizeof seed, 0) == static_cast<ssize_t>(sizeof seed));
    return seed;
}

uint64_t siphash(const HashSeed& seed, std::string_view bytes) {
    State state{seed.words[0] ^ 0x736f6d6570736575, seed.words[1] ^ 0x646f72616e646f6d,
                seed.words[0] ^ 0x6c7967656e657261, seed.words[1] ^ 0x7465646279746573};
    uint64_t last = static_cast<uint64_t>(bytes.size()) << 56;
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
        uint64_t word;
        memcpy(&word, bytes.data(), 8);
        state.add(word);
    }
    for (size_t i = 0; i < bytes.size(); ++i) last |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
    state.add(last);
    state.c ^= 0xff;
    for (int i = 0; i < 3; ++i) state.round();
    return state.a ^ state.b ^ state.c ^ state.d;
}

}  // namespace ringx

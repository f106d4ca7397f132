// net/radix_tree.h - values by prefixes of bits: the longest prefix of an address rules.
//
// A binary tree in one array: an inner node costs a few bytes, and a look-up one step for each bit of the longest
// prefix on its way. A value of Value{} is none.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace ringx {

template <typename Value>
class RadixTree {
 public:
    using Key = std::span<const uint8_t>;  // in network order

    // False when the prefix has a value already, which stays. REQUIRES: `bits` are at most those of the key.
    bool insert(Key key, unsigned bits, Value value) {
        uint32_t at = 0;
        for (unsigned bit = 0; bit < bits; ++bit) {
            uint32_t next = nodes_[at].next[bit_of(key, bit)];
            if (next == 0) {
                next = static_cast<uint32_t>(nodes_.size());
                nodes_.emplace_back();
                nodes_[at].next[bit_of(key, bit)] = next;
            }
            at = next;
        }
        if (nodes_[at].value != Value{}) return false;
        nodes_[at].value = value;
        return true;
    }

    // False when the prefix has no value.
    bool erase(Key key, unsigned bits) {
        uint32_t at = 0;
        for (unsigned bit = 0; bit < bits; ++bit) {
            at = nodes_[at].next[bit_of(key, bit)];
            if (at == 0) return false;
        }
        bool had = nodes_[at].value != Value{};
        nodes_[at].value = Value{};
        return had;
    }

    // The value of the longest prefix of the key that has one.
    Value find(Key key) const {
        Value found = nodes_[0].value;
        uint32_t at = 0;
        for (unsigned bit = 0; bit < key.size() * 8; ++bit) {
            at = nodes_[at].next[bit_of(key, bit)];
            if (at == 0) break;
            if (nodes_[at].value != Value{}) found = nodes_[at].value;
        }
        return found;
    }

 private:
    struct Node {
        std::array<uint32_t, 2> next{};  // places in nodes_; 0: none, for the root is nobody's child
        Value value{};
    };

    static unsigned bit_of(Key key, unsigned bit) { return key[bit / 8] >> (7 - bit % 8) & 1; }

    std::vector<Node> nodes_ = std::vector<Node>(1);
};

}  // namespace ringx

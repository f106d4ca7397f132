// t/unit/net/radix_tree_test.cc - prefixes of bits and what they stand for.
//
// Keys are two bytes long here, so that all of them can be asked for and compared with a search of every prefix.
#include "net/radix_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace ringx {
namespace {

using Bytes = std::array<uint8_t, 2>;

Bytes bytes_of(unsigned number) { return {static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)}; }

TEST(RadixTree, the_longest_prefix_rules) {
    RadixTree<int> tree;
    EXPECT_EQ(tree.find(bytes_of(0x1234)), 0);
    EXPECT_TRUE(tree.insert(bytes_of(0), 0, 1));
    EXPECT_TRUE(tree.insert(bytes_of(0x1200), 8, 2));
    EXPECT_TRUE(tree.insert(bytes_of(0x1234), 16, 3));
    EXPECT_FALSE(tree.insert(bytes_of(0x1200), 8, 4));
    EXPECT_EQ(tree.find(bytes_of(0x1234)), 3);
    EXPECT_EQ(tree.find(bytes_of(0x1235)), 2);
    EXPECT_EQ(tree.find(bytes_of(0x1334)), 1);
}

TEST(RadixTree, what_is_erased_gives_way_to_what_is_shorter) {
    RadixTree<int> tree;
    EXPECT_FALSE(tree.erase(bytes_of(0x1200), 8));
    EXPECT_TRUE(tree.insert(bytes_of(0x1000), 4, 1));
    EXPECT_TRUE(tree.insert(bytes_of(0x1200), 8, 2));
    EXPECT_FALSE(tree.erase(bytes_of(0x1000), 5));
    EXPECT_TRUE(tree.erase(bytes_of(0x1200), 8));
    EXPECT_FALSE(tree.erase(bytes_of(0x1200), 8));
    EXPECT_EQ(tree.find(bytes_of(0x1234)), 1);
}

// The same as looking at all prefixes, longest first.
TEST(RadixTree, finds_what_a_search_of_all_prefixes_finds) {
    std::mt19937 choose(1);
    RadixTree<int> tree;
    std::map<std::pair<unsigned, unsigned>, int> all;
    for (int value = 1; value < 2000; ++value) {
        unsigned bits = choose() % 17;
        unsigned prefix = bits == 0 ? 0 : choose() & 0xffffu << (16 - bits) & 0xffff;
        EXPECT_EQ(tree.insert(bytes_of(prefix), bits, value), all.emplace(std::pair(bits, prefix), value).second);
        if (value % 5 != 0) continue;
        EXPECT_EQ(tree.erase(bytes_of(prefix), bits), all.erase({bits, prefix}) == 1);
    }
    for (unsigned key = 0; key <= 0xffff; key += 7) {
        int want = 0;
        for (unsigned bits = 17; bits-- > 0 && want == 0;) {
            auto found = all.find({bits, bits == 0 ? 0 : key & 0xffffu << (16 - bits) & 0xffff});
            if (found != all.end()) want = found->second;
        }
        EXPECT_EQ(tree.find(bytes_of(key)), want) << key;
    }
}

}  // namespace
}  // namespace ringx

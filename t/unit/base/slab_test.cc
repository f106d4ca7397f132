// t/unit/base/slab_test.cc - memory is cut up, given out and joined again, wherever it lies.
//
// A random test against a plain model finds what overlaps or is lost; the rest are the edges.
#include "base/slab.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <vector>

namespace ringx {
namespace {

class SlabTest : public testing::Test {
 protected:
    explicit SlabTest(size_t bytes = 256 * 1024) : memory_(bytes) {
        slab = reinterpret_cast<Slab*>(memory_.data() + 64);
        slab->format(memory_.data(), memory_.size(), 100);
    }
    char* at(Slab::Place place) { return memory_.data() + uint64_t{place} * 8; }

    std::vector<char> memory_;
    Slab* slab;
};

TEST_F(SlabTest, all_of_it_can_be_had_as_one_and_given_back) {
    size_t all = slab->free_bytes();
    EXPECT_EQ(all, slab->all_bytes());
    EXPECT_GT(all, memory_.size() * 9 / 10);
    Slab::Place place = slab->allocate(all);
    ASSERT_NE(place, 0u);
    EXPECT_EQ(slab->free_bytes(), 0u);
    EXPECT_EQ(slab->allocate(1), 0u);
    slab->free(place);
    EXPECT_EQ(slab->free_bytes(), all);
    EXPECT_EQ(slab->allocate(all + 1), 0u);
}

TEST_F(SlabTest, each_class_fills_its_pages) {
    for (size_t bytes : {1u, 16u, 17u, 32u, 100u, 512u, 1025u, 2048u}) {
        size_t all = slab->free_bytes();
        std::vector<Slab::Place> places;
        while (Slab::Place place = slab->allocate(bytes)) places.push_back(place);
        size_t size = 16;
        while (size < bytes) size *= 2;
        EXPECT_EQ(places.size(), all / size) << bytes;
        for (Slab::Place place : places) slab->free(place);
        EXPECT_EQ(slab->free_bytes(), all) << bytes;
    }
}

TEST_F(SlabTest, what_is_given_out_never_overlaps_and_nothing_is_lost) {
    std::mt19937 random(1);
    std::map<Slab::Place, size_t> held;
    size_t all = slab->free_bytes();
    for (int i = 0; i < 20'000; ++i) {
        size_t bytes = random() % 8 == 0 ? 1 + random() % 20'000 : 1 + random() % 600;
        if (held.size() > 200 || (random() % 3 == 0 && !held.empty())) {
            auto victim = std::next(held.begin(), static_cast<long>(random() % held.size()));
            for (size_t j = 0; j < victim->second; ++j) {
                ASSERT_EQ(at(victim->first)[j], static_cast<char>(victim->first)) << i;
            }
            slab->free(victim->first);
            held.erase(victim);
        } else if (Slab::Place place = slab->allocate(bytes)) {
            ASSERT_EQ(place % 2, 0u);
            ASSERT_LE(uint64_t{place} * 8 + bytes, memory_.size());
            memset(at(place), static_cast<char>(place), bytes);
            ASSERT_TRUE(held.emplace(place, bytes).second);
        }
    }
    for (auto& [place, bytes] : held) slab->free(place);
    EXPECT_EQ(slab->free_bytes(), all);
}

TEST_F(SlabTest, memory_that_is_moved_takes_everything_along) {
    Slab::Place place = slab->allocate(10);
    strcpy(at(place), "text");
    std::vector<char> copy = memory_;
    auto* moved = reinterpret_cast<Slab*>(copy.data() + 64);
    EXPECT_STREQ(copy.data() + uint64_t{place} * 8, "text");
    moved->free(place);
    EXPECT_EQ(moved->free_bytes(), moved->all_bytes());
    EXPECT_LT(slab->free_bytes(), slab->all_bytes());
}

TEST(SlabDeathTest, freeing_twice_is_our_fault) {
    std::vector<char> memory(64 * 1024);
    auto* slab = reinterpret_cast<Slab*>(memory.data());
    slab->format(memory.data(), memory.size(), sizeof(Slab));
    Slab::Place place = slab->allocate(5000);
    slab->free(place);
    EXPECT_DEATH(slab->free(place), "CHECK");
}

}  // namespace
}  // namespace ringx

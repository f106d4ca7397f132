// t/unit/net/openssl_memory_test.cc - memory keeps what is in it, is used again, and is not hoarded.
//
// OpenSSL itself is not asked: these are the functions it calls.
#include "net/openssl_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "base/free_list.h"

namespace ringx {
namespace {

using namespace openssl_memory;

constexpr size_t largest_kept = 65536 - 16;

TEST(OpensslMemory, nothing_is_no_memory) {
    EXPECT_EQ(take(0), nullptr);
    EXPECT_EQ(take(SIZE_MAX), nullptr);
    give_back(nullptr);
    EXPECT_EQ(resize(take(100), 0), nullptr);
}

TEST(OpensslMemory, all_of_it_can_be_used_and_is_aligned) {
    for (size_t bytes = 1; bytes < 3 * largest_kept; bytes += bytes / 7 + 1) {
        auto* memory = static_cast<unsigned char*>(take(bytes));
        ASSERT_NE(memory, nullptr);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % alignof(std::max_align_t), 0u);
        std::memset(memory, 0xa5, bytes);
        give_back(memory);
    }
}

TEST(OpensslMemory, what_grows_or_shrinks_keeps_its_content) {
    for (size_t from : {1u, 15u, 16u, 17u, 1008u, 1009u, 2000u, 40'000u, 65'520u, 65'521u, 100'000u}) {
        for (size_t to : {1u, 16u, 1008u, 1009u, 30'000u, 65'520u, 65'521u, 200'000u}) {
            auto* memory = static_cast<unsigned char*>(take(from));
            for (size_t i = 0; i < from; ++i) memory[i] = static_cast<unsigned char>(i * 7);
            memory = static_cast<unsigned char*>(resize(memory, to));
            ASSERT_NE(memory, nullptr);
            for (size_t i = 0; i < std::min(from, to); ++i) ASSERT_EQ(memory[i], static_cast<unsigned char>(i * 7));
            std::memset(memory, 1, to);
            give_back(memory);
        }
    }
    give_back(resize(nullptr, 10));
    void* memory = take(200'000);
    EXPECT_EQ(resize(memory, SIZE_MAX), nullptr);
    give_back(memory);
}

TEST(OpensslMemory, what_was_given_back_is_taken_next) {
    if (!RINGX_KEEP_BLOCKS) GTEST_SKIP() << "sanitizers see every block go";
    void* first = take(300);
    give_back(first);
    EXPECT_EQ(take(290), first);  // one size
    void* other = take(300);
    EXPECT_NE(other, first);
    give_back(other);
    give_back(first);
}

TEST(OpensslMemory, threads_may_free_for_each_other) {
    std::vector<void*> all;
    for (int round = 0; round < 4; ++round) {
        std::thread([&all] {
            for (size_t i = 1; i <= 2000; ++i) {
                all.push_back(take(i * 40));
                std::memset(all.back(), 2, i * 40);
            }
        }).join();
        std::thread([&all] {
            for (void* memory : all) give_back(memory);
        }).join();
        all.clear();
    }
}

TEST(FreeList, keeps_so_many_and_no_more) {
    FreeList list;
    EXPECT_EQ(list.take(), nullptr);
    size_t most = RINGX_KEEP_BLOCKS ? 3 : 0;
    for (size_t i = 0; i < 5; ++i) {
        void* block = malloc(64);
        bool kept = list.keep(block, 3);
        EXPECT_EQ(kept, i < most);
        if (!kept) free(block);
    }
    EXPECT_EQ(list.count(), most);
    list.release();
    EXPECT_EQ(list.count(), 0u);
}

}  // namespace
}  // namespace ringx

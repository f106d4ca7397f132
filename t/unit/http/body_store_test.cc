// t/unit/http/body_store_test.cc - bodies on their way through: what goes in comes out, in order, within the limits.
//
// One side puts a known text in as far as there is room, in memory or in the file, and the other takes it out.
#include "http/body_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "t/unit/event/both_engines.h"

namespace ringx::http {
namespace {

using engine_test::engine_name;
using engine_test::pattern;

class BodyStoreTest : public engine_test::BothEngines {
 protected:
    void SetUp() override {
        BothEngines::SetUp();
        open();
        temp.directory = directory;
    }

    BodyStore::Limits limits(size_t memory_bytes, uint64_t file_bytes = 0) { return {memory_bytes, file_bytes, &temp}; }

    // Puts in as much of `bytes` as there is room for in memory; gives what is left.
    static std::string_view put(BodyStore& store, std::string_view bytes) {
        while (!bytes.empty()) {
            std::span<char> room = store.room();
            if (room.empty()) break;
            size_t taken = bytes.copy(room.data(), room.size());
            store.put(taken);
            bytes.remove_prefix(taken);
        }
        return bytes;
    }
    std::string_view put_into_file(BodyStore& store, std::string_view bytes, Result<>& result) {
        while (!bytes.empty() && store.may_use_file() && result) {
            std::span<char> room = store.file_room();
            size_t taken = bytes.copy(room.data(), room.size());
            wait(write(store, taken, result));
            bytes.remove_prefix(taken);
        }
        return bytes;
    }
    std::string take(BodyStore& store) {
        std::string taken;
        while (!store.empty()) wait(read(store, taken));
        store.let_go();
        return taken;
    }

    std::string directory = testing::TempDir();
    TempPath temp;
    BlockPool pool;

 private:
    void wait(Task<> task) {
        ASSERT_TRUE(until([&] { return task.done(); }));
    }
    static Task<> write(BodyStore& store, size_t bytes, Result<>& result) {
        result = co_await store.put_into_file(bytes);
    }
    static Task<> read(BodyStore& store, std::string& to) {
        auto part = co_await store.take();
        EXPECT_TRUE(part);
        if (part) to += *part;
    }
};

TEST_P(BodyStoreTest, what_goes_in_comes_out_in_order) {
    BodyStore store(loop, pool, limits(128 << 10));
    EXPECT_TRUE(store.empty());
    store.begin_with("the beginning, ");
    std::string text = pattern(100'000);
    EXPECT_TRUE(put(store, text).empty());
    EXPECT_FALSE(store.empty());
    EXPECT_EQ(take(store), "the beginning, " + text);
    EXPECT_TRUE(store.empty());
}

TEST_P(BodyStoreTest, memory_has_a_limit_but_for_the_beginning) {
    BodyStore store(loop, pool, limits(16 << 10));
    std::string text = pattern(100'000);
    size_t kept = text.size() - put(store, text).size();
    EXPECT_LE(kept, 16u << 10);
    EXPECT_GE(kept, 8u << 10);
    EXPECT_TRUE(store.room().empty());
    EXPECT_FALSE(store.may_use_file());
    EXPECT_EQ(take(store), text.substr(0, kept));
    EXPECT_FALSE(store.room().empty());
    store.put(0);

    BodyStore small(loop, pool, limits(4096));
    small.begin_with(text);
    EXPECT_TRUE(small.room().empty());
    EXPECT_EQ(take(small), text);
}

TEST_P(BodyStoreTest, what_memory_has_no_room_for_goes_to_the_file_and_all_that_follows) {
    BodyStore store(loop, pool, limits(16 << 10, 1 << 20));
    std::string text = pattern(200'000);
    Result<> result;
    std::string_view rest = put(store, text);
    EXPECT_FALSE(rest.empty());
    EXPECT_TRUE(put_into_file(store, rest, result).empty());
    EXPECT_TRUE(result);
    EXPECT_TRUE(store.file());
    EXPECT_EQ(take(store), text);
    EXPECT_EQ(put(store, "in memory again"), "");
    EXPECT_EQ(take(store), "in memory again");
}

TEST_P(BodyStoreTest, the_file_has_a_limit_and_serves_again_from_its_beginning) {
    BodyStore store(loop, pool, limits(8192, 20'000));
    for (int round = 0; round < 3; ++round) {
        std::string text = pattern(100'000);
        Result<> result;
        std::string_view rest = put_into_file(store, put(store, text), result);
        EXPECT_TRUE(result);
        EXPECT_FALSE(rest.empty());
        EXPECT_FALSE(store.may_use_file());
        EXPECT_EQ(take(store), text.substr(0, text.size() - rest.size()));
        EXPECT_TRUE(store.may_use_file());
    }
}

TEST_P(BodyStoreTest, without_a_file_nothing_is_lost) {
    std::string absent = directory + "/absent";
    temp.directory = absent;
    BodyStore store(loop, pool, limits(8192, 1 << 20));
    std::string text = pattern(30'000);
    Result<> result;
    std::string_view rest = put_into_file(store, put(store, text), result);
    EXPECT_FALSE(result);
    EXPECT_FALSE(store.may_use_file());
    EXPECT_EQ(take(store), text.substr(0, text.size() - rest.size()));
}

// Who waits for bytes holds no memory for them, and what is free is used first.
TEST_P(BodyStoreTest, blocks_go_back_to_the_pool) {
    const char* block = nullptr;
    {
        BodyStore store(loop, pool, limits(128 << 10));
        block = store.room().data();
        store.put(0);
        EXPECT_EQ(store.room().data(), block);
        store.put(5);
        BodyStore other(loop, pool, limits(128 << 10));
        EXPECT_NE(other.room().data(), block);
    }
    BodyStore store(loop, pool, limits(128 << 10));
    const char* first = store.room().data();
    BodyStore other(loop, pool, limits(128 << 10));
    const char* second = other.room().data();
    EXPECT_TRUE(first == block || second == block);
}

FOR_BOTH_ENGINES(BodyStoreTest);

}  // namespace
}  // namespace ringx::http

// t/unit/net/session_cache_test.cc - sessions in a zone: until when they are found, and which go when it is full.
//
// A session is any bytes here, and time is what each test says it is.
#include "net/session_cache.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace ringx {
namespace {

class SessionCacheTest : public testing::Test {
 protected:
    std::string find(std::string_view id, int64_t now = 0) { return std::string(cache_.find(id, now, storage_)); }

    std::shared_ptr<SharedZone> zone_ = *SharedZone::create("test", SharedZone::bytes_min);
    SessionCache cache_{*zone_};
    char storage_[SessionCache::session_bytes_max];
};

TEST_F(SessionCacheTest, finds_what_was_kept_and_nothing_else) {
    EXPECT_TRUE(cache_.keep("a", "session a", 10, 0));
    EXPECT_TRUE(cache_.keep("b", "session b", 10, 0));
    EXPECT_EQ(find("a"), "session a");
    EXPECT_EQ(find("b"), "session b");
    EXPECT_EQ(find("c"), "");
    EXPECT_TRUE(cache_.keep("a", "another one", 10, 0));
    EXPECT_EQ(find("a"), "another one");
    cache_.forget("a");
    cache_.forget("a");
    EXPECT_EQ(find("a"), "");
    EXPECT_EQ(find("b"), "session b");
}

TEST_F(SessionCacheTest, a_session_is_there_until_its_last_second) {
    EXPECT_TRUE(cache_.keep("a", "session", 10, 0));
    EXPECT_EQ(find("a", 10), "session");
    EXPECT_EQ(find("a", 11), "");
    EXPECT_EQ(find("a", 10), "") << "it is gone for good";
}

TEST_F(SessionCacheTest, keeps_sessions_up_to_the_largest) {
    std::string largest(SessionCache::session_bytes_max - 64, 'x');
    for (char& c : largest) c = static_cast<char>(&c - largest.data());
    EXPECT_TRUE(cache_.keep("a", largest, 10, 0));
    EXPECT_EQ(find("a"), largest);
    EXPECT_FALSE(cache_.keep("b", std::string(SessionCache::session_bytes_max + 1, 'x'), 10, 0));
    EXPECT_EQ(find("b"), "");
}

TEST_F(SessionCacheTest, forgets_what_was_not_used_for_longest_when_it_is_full) {
    std::string session(200, 'x');
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(cache_.keep(std::to_string(i), session, 10, 0)) << i;
        ASSERT_EQ(find("0"), session) << i;
        ASSERT_EQ(find(std::to_string(i)), session) << i;
    }
    EXPECT_EQ(find("1"), "");
}

TEST_F(SessionCacheTest, what_is_over_goes_when_something_comes) {
    EXPECT_TRUE(cache_.keep("a", "session", 10, 0));
    EXPECT_TRUE(cache_.keep("b", "session", 99, 0));
    EXPECT_TRUE(cache_.keep("c", "session", 99, 50));
    EXPECT_EQ(find("a", 0), "");
    EXPECT_EQ(find("b", 50), "session");
}

TEST_F(SessionCacheTest, large_ones_find_room_among_small_ones) {
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(cache_.keep(std::to_string(i), std::string(100, 'x'), 10, 0));
    std::string large(3000, 'y');
    EXPECT_TRUE(cache_.keep("large", large, 10, 0));
    EXPECT_EQ(find("large"), large);
}

TEST_F(SessionCacheTest, says_that_all_was_lost_when_a_process_died_in_it) {
    EXPECT_TRUE(cache_.keep("a", "session", 10, 0));
    pid_t child = fork();
    if (child == 0) {
        SharedZone::Lock lock(*zone_);
        _exit(0);
    }
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    EXPECT_FALSE(cache_.repaired());
    EXPECT_EQ(find("a"), "");
    EXPECT_TRUE(cache_.repaired());

    SessionCache next(*zone_);
    EXPECT_TRUE(next.keep("a", "session", 10, 0));
    EXPECT_FALSE(next.repaired());
    EXPECT_EQ(find("a"), "session");
}

}  // namespace
}  // namespace ringx

// t/unit/net/ticket_keys_test.cc - how long keys of tickets are in force, and that readers never see half of one.
//
// Time is what each test says it is. Readers are other processes and threads, and a writer that never rests.
#include "net/ticket_keys.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>
#include <vector>

namespace ringx {
namespace {

using namespace std::chrono_literals;
using Bytes = std::array<unsigned char, 80>;

Bytes bytes_of(const TicketKey& key) {
    Bytes bytes;
    auto at = std::ranges::copy(key.name, bytes.begin()).out;
    at = std::ranges::copy(key.aes, at).out;
    std::ranges::copy(key.hmac, at);
    return bytes;
}

std::vector<Bytes> in_force(const TicketKeys& keys) {
    TicketKeys::InForce now(keys);
    std::vector<Bytes> all;
    for (const TicketKey& key : now.keys()) all.push_back(bytes_of(key));
    return all;
}

class TicketKeysTest : public testing::Test {
 protected:
    // At the next moment that was said.
    void rotate() { rotate(next_); }
    void rotate(TicketKeys::Moment now) { next_ = keys_.rotate(now, life_); }

    TicketKeys keys_;
    std::chrono::seconds life_ = 300s;
    TicketKeys::Moment start_{1000h};
    TicketKeys::Moment next_ = start_;
};

TEST_F(TicketKeysTest, there_are_none_before_the_first_is_made) {
    EXPECT_TRUE(in_force(keys_).empty());
    rotate();
    EXPECT_EQ(in_force(keys_).size(), 1u);
}

TEST_F(TicketKeysTest, a_key_encrypts_for_its_life_and_decrypts_for_as_long_again) {
    rotate();
    EXPECT_EQ(next_, start_ + life_);
    auto first = in_force(keys_);
    rotate(next_ - 1ns);
    EXPECT_EQ(in_force(keys_), first) << "too early";
    EXPECT_EQ(next_, start_ + life_);

    rotate();
    auto second = in_force(keys_);
    ASSERT_EQ(second.size(), 2u);
    EXPECT_NE(second[0], first[0]);
    EXPECT_EQ(second[1], first[0]);
    EXPECT_EQ(next_, start_ + 2 * life_);

    rotate();
    auto third = in_force(keys_);
    ASSERT_EQ(third.size(), 2u);
    EXPECT_EQ(third[1], second[0]);
    EXPECT_NE(third[0], first[0]);
}

TEST_F(TicketKeysTest, no_part_of_a_key_is_used_twice) {
    std::set<std::vector<unsigned char>> parts;
    for (int i = 0; i < 100; ++i) {
        rotate();
        TicketKeys::InForce now(keys_);
        const TicketKey& key = now.keys()[0];
        EXPECT_EQ(key.secret_bytes, 32u);
        parts.emplace(key.name.begin(), key.name.end());
        parts.emplace(key.aes.begin(), key.aes.end());
        parts.emplace(key.hmac.begin(), key.hmac.end());
    }
    EXPECT_EQ(parts.size(), 300u);
}

TEST_F(TicketKeysTest, a_key_that_waited_for_too_long_is_gone_at_once) {
    rotate();
    auto first = in_force(keys_);
    rotate(start_ + 2 * life_ - 1ns);
    EXPECT_EQ(in_force(keys_).size(), 2u);
    rotate(next_ + life_);
    ASSERT_EQ(in_force(keys_).size(), 1u);
    EXPECT_NE(in_force(keys_)[0], first[0]);
}

TEST_F(TicketKeysTest, another_life_counts_from_when_the_key_was_made) {
    rotate();
    life_ = 900s;
    rotate(start_ + 300s);
    EXPECT_EQ(in_force(keys_).size(), 1u);
    EXPECT_EQ(next_, start_ + 900s);
    life_ = 300s;
    rotate(start_ + 400s);
    EXPECT_EQ(in_force(keys_).size(), 2u);
    EXPECT_EQ(next_, start_ + 700s);
}

TEST_F(TicketKeysTest, the_longest_life_that_can_be_configured) {
    life_ = std::chrono::hours(24 * 365 * 200);
    rotate();
    EXPECT_EQ(next_, start_ + life_);
    auto first = in_force(keys_);
    rotate(start_ + life_ - 1ns);
    EXPECT_EQ(in_force(keys_), first);
}

TEST_F(TicketKeysTest, others_see_what_one_process_makes) {
    rotate();
    int ready[2], go[2];
    ASSERT_EQ(pipe(ready), 0);
    ASSERT_EQ(pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        if (read(go[0], &byte, 1) != 1) _exit(1);
        auto seen = in_force(keys_);
        _exit(write(ready[1], seen.data(), seen.size() * sizeof(Bytes)) == 160 ? 0 : 1);
    }
    rotate();
    ASSERT_EQ(write(go[1], "", 1), 1);
    Bytes seen[2];
    ASSERT_EQ(read(ready[0], seen, sizeof seen), 160);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(seen[0], in_force(keys_)[0]);
    EXPECT_EQ(seen[1], in_force(keys_)[1]);
    for (int fd : {ready[0], ready[1], go[0], go[1]}) close(fd);
}

TEST_F(TicketKeysTest, a_reader_meets_a_writer_and_sees_whole_keys_that_follow_each_other) {
    rotate();
    std::vector<Bytes> made = in_force(keys_);
    std::vector<std::vector<Bytes>> seen;
    std::atomic<bool> done = false;
    std::thread reader([&] {
        while (!done || seen.size() < 1000) seen.push_back(in_force(keys_));
    });
    for (int i = 0; i < 20000; ++i) {
        rotate();
        made.push_back(in_force(keys_)[0]);
    }
    done = true;
    reader.join();

    std::map<Bytes, size_t> number;
    for (size_t i = 0; i < made.size(); ++i) number[made[i]] = i;
    size_t last = 0;
    for (const auto& keys : seen) {
        auto latest = number.find(keys[0]);
        ASSERT_NE(latest, number.end()) << "a key that was never made";
        EXPECT_GE(latest->second, last);
        last = latest->second;
        if (keys.size() == 2) {
            EXPECT_EQ(keys[1], made[last - 1]);
        }
    }
}

TEST(TicketLife, is_that_of_the_longest_session_and_not_too_short) {
    TicketLife life;
    EXPECT_EQ(life.longest, 0s);
    life.include(1s);
    EXPECT_EQ(life.longest, 300s);
    life.include(3600s);
    life.include(600s);
    EXPECT_EQ(life.longest, 3600s);
}

TEST(TicketKey, is_read_in_two_sizes) {
    std::string file;
    for (int i = 0; i < 80; ++i) file += static_cast<char>(i);
    auto large = TicketKey::read(file);
    ASSERT_TRUE(large);
    EXPECT_EQ(large->secret_bytes, 32u);
    EXPECT_EQ(large->name[15], 15);
    EXPECT_EQ(large->hmac[0], 16);
    EXPECT_EQ(large->aes[0], 48);
    EXPECT_EQ(large->aes[31], 79);

    auto small = TicketKey::read(file.substr(0, 48));
    ASSERT_TRUE(small);
    EXPECT_EQ(small->secret_bytes, 16u);
    EXPECT_EQ(small->aes[0], 16);
    EXPECT_EQ(small->hmac[0], 32);
    for (size_t bytes : {0, 1, 47, 49, 79}) EXPECT_FALSE(TicketKey::read(file.substr(0, bytes))) << bytes;
    EXPECT_FALSE(TicketKey::read(file + "x"));
}

}  // namespace
}  // namespace ringx

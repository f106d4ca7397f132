// t/unit/proc/steering_answer_test.cc - answers are the same after their way through bytes.
//
// Half of one is none, and whatever else the bytes are, nothing is read that is not there.
#include "proc/steering_answer.h"

#include <gtest/gtest.h>

namespace ringx::proc {
namespace {

conf::Mistake sample(Level level, std::string_view sentence) {
    return {.level = level,
            .sentence = std::string(sentence),
            .position = " in /a.conf:12",
            .file = "/a.conf",
            .line_number = 11,
            .column = 5,
            .source_line = "ro\0t \"x\";",
            .caret_line = "    ^",
            .hint = ""};
}

SteeringAnswer sample_answer() {
    return {.good = true,
            .generation = 77,
            .mistakes = {sample(Level::emerg, "one"), sample(Level::notice, "zw\xC3\xB6i")}};
}

void expect_same(const conf::Mistake& got, const conf::Mistake& want) {
    EXPECT_EQ(got.level, want.level);
    EXPECT_EQ(render(got), render(want));
    EXPECT_EQ(got.file, want.file);
    EXPECT_EQ(got.line_number, want.line_number);
    EXPECT_EQ(got.column, want.column);
    EXPECT_EQ(got.hint, want.hint);
}

TEST(SteeringAnswer, comes_back_as_it_was) {
    SteeringAnswer want = sample_answer();
    auto got = unpack(pack(want));
    ASSERT_TRUE(got);
    EXPECT_TRUE(got->good);
    EXPECT_EQ(got->generation, 77u);
    ASSERT_EQ(got->mistakes.size(), 2u);
    for (size_t i = 0; i < 2; ++i) expect_same(got->mistakes[i], want.mistakes[i]);

    auto bare = unpack(pack({}));
    ASSERT_TRUE(bare);
    EXPECT_FALSE(bare->good);
    EXPECT_TRUE(bare->mistakes.empty());
}

TEST(SteeringAnswer, is_none_when_bytes_are_missing_or_too_many) {
    std::string bytes = pack(sample_answer());
    for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(unpack(bytes.substr(0, size))) << size;
    EXPECT_FALSE(unpack(bytes + '\0'));
}

TEST(SteeringAnswer, is_none_when_its_numbers_cannot_be) {
    std::string bytes = pack(sample_answer());
    for (size_t at = 8; at < bytes.size(); ++at) {
        std::string changed = bytes;
        changed[at] = '\xFF';
        (void)unpack(changed);
    }
    constexpr size_t level_at = 12, count_at = 8;
    for (size_t at : {level_at, count_at}) {
        std::string changed = bytes;
        changed[at] = '\xFF';
        EXPECT_FALSE(unpack(changed)) << at;
    }
}

}  // namespace
}  // namespace ringx::proc

// t/unit/net/check_streak_test.cc - when a server is taken for unhealthy, and when it is trusted again.
//
// Checks are written as a text: + passed, - failed. What is noted after each is one of H, U and . (nothing new).
#include "net/check_streak.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ringx {
namespace {

using Known = CheckStreak::Known;

std::string notes(std::string_view checks, CheckStreak::Rules rules, Known known) {
    CheckStreak streak;
    std::string all;
    for (char check : checks) {
        std::optional<bool> noted = streak.note(check == '+', known, rules);
        all += !noted ? '.' : *noted ? 'H' : 'U';
        if (noted) known = *noted ? Known::healthy : Known::unhealthy;
    }
    return all;
}

TEST(CheckStreak, counts_what_comes_in_a_row) {
    struct {
        std::string_view checks;
        CheckStreak::Rules rules;
        Known known;
        std::string_view want;
    } cases[] = {
        {"+++", {1, 1}, Known::healthy, "..."},
        {"-+-+", {1, 1}, Known::healthy, "UHUH"},
        {"---+", {3, 1}, Known::healthy, "..UH"},
        {"--+--+--", {3, 1}, Known::healthy, "........"},
        {"-+-+++-", {1, 3}, Known::healthy, "U....H" "U"},
        {"++-++", {1, 2}, Known::unhealthy, ".HU.H"},
        {"+-", {3, 3}, Known::nothing, "H."},
        {"-+++", {3, 3}, Known::nothing, "U..H"},
        {"++", {1, 2}, Known::nothing, "H."},
    };
    for (const auto& c : cases) EXPECT_EQ(notes(c.checks, c.rules, c.known), c.want) << c.checks;
}

}  // namespace
}  // namespace ringx

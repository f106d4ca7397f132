// uri_test.cc - what paths become, and which are refused.
//
// The expected paths are nginx's for the same targets; the hostile ones come from servers that were fooled by them.
#include "http/uri.h"

#include <gtest/gtest.h>

#include <string>

namespace ringx::http {
namespace {

TEST(NormalisePath, decodes_once_and_resolves_dots) {
    struct { std::string_view raw, merged, kept; } cases[] = {
        {"/", "/", "/"},
        {"/a", "/a", "/a"},
        {"/a/", "/a/", "/a/"},
        {"/a//b", "/a/b", "/a//b"},
        {"//a", "/a", "//a"},
        {"///", "/", "///"},
        {"/a///", "/a/", "/a///"},
        {"/.", "/", "/"},
        {"/./", "/", "/"},
        {"/a/.", "/a/", "/a/"},
        {"/a/./b", "/a/b", "/a/b"},
        {"/a/..", "/", "/"},
        {"/a/../", "/", "/"},
        {"/a/b/..", "/a/", "/a/"},
        {"/a/b/../..", "/", "/"},
        {"/a/b/../c", "/a/c", "/a/c"},
        {"/a//..", "/", "/a/"},
        {"/a//../b", "/b", "/a/b"},
        {"/a/...", "/a/...", "/a/..."},
        {"/a/.b", "/a/.b", "/a/.b"},
        {"/a/..b", "/a/..b", "/a/..b"},
        {"/a/b.", "/a/b.", "/a/b."},
        {"/a/b..", "/a/b..", "/a/b.."},
        {"/%61", "/a", "/a"},
        {"/a%2fb", "/a/b", "/a/b"},
        {"/a%2F%2fb", "/a/b", "/a//b"},
        {"%2Fa", "/a", "/a"},
        {"/a/%2e%2E/b", "/b", "/b"},
        {"/a/.%2e/b", "/b", "/b"},
        {"/a%2f..%2fb", "/b", "/b"},
        {"/a/%2e", "/a/", "/a/"},
        {"/%252e%252e/", "/%2e%2e/", "/%2e%2e/"},
        {"/a%3fb%23c%25", "/a?b#c%", "/a?b#c%"},
        {"/a+b", "/a+b", "/a+b"},
        {"/a%0ab", "/a\nb", "/a\nb"},
        {"/%ff\x80", "/\xff\x80", "/\xff\x80"},
        {"/a\\..\\b", "/a\\..\\b", "/a\\..\\b"},
        {"/a%5c..", "/a\\..", "/a\\.."},
    };
    for (auto& c : cases) {
        std::string out = "what was there before";
        EXPECT_TRUE(normalise_path(c.raw, true, out)) << c.raw;
        EXPECT_EQ(out, c.merged) << c.raw;
        EXPECT_TRUE(normalise_path(c.raw, false, out)) << c.raw;
        EXPECT_EQ(out, c.kept) << c.raw;

        std::string place(c.raw);
        auto inside = normalise_path(place, true, place.data());
        ASSERT_TRUE(inside) << c.raw;
        EXPECT_EQ(*inside, c.merged) << c.raw << " in place";
    }
}

TEST(NormalisePath, refuses_what_leaves_the_root_or_cannot_be_decoded) {
    std::string_view cases[] = {
        "", "a", "*", ".", "%61/", "/..", "/../", "/../a", "/a/../..", "/./..", "/a/b/../../..", "/%2e%2e", "/%2e./a",
        "/.%2E/", "/..%2f", "/a/%2e%2e/%2e%2e", "/%", "/%2", "/%zz", "/%2g", "/%g2", "/a%", "/%%41", "/%+1",
        "/%0x41", "/%00", "/a%00.html", std::string_view("/\0", 2),
    };
    for (std::string_view raw : cases) {
        std::string out = "what was there before";
        EXPECT_FALSE(normalise_path(raw, true, out)) << raw;
        EXPECT_EQ(out, "") << raw;
        EXPECT_FALSE(normalise_path(raw, false, out)) << raw;
    }
    std::string out;
    for (std::string_view raw : {"//..", "/%2f.."}) {
        EXPECT_FALSE(normalise_path(raw, true, out)) << raw;
        EXPECT_TRUE(normalise_path(raw, false, out)) << raw;
        EXPECT_EQ(out, "/");
    }
}

TEST(SplitTarget, divides_path_from_query_and_drops_the_fragment) {
    struct { std::string_view target, path, query; bool has_query, is_plain; } cases[] = {
        {"/", "/", "", false, true},          {"/a?b", "/a", "b", true, true},
        {"/a?", "/a", "", true, true},        {"/a??b", "/a", "?b", true, true},
        {"/a#b?c", "/a", "", false, true},    {"/a?b#c?d", "/a", "b", true, true},
        {"/a/.b", "/a/.b", "", false, false}, {"/%41", "/%41", "", false, false},
        {"/a//b", "/a//b", "", false, false}, {"/a/?//%", "/a/", "//%", true, true},
        {"?a", "", "a", true, true},          {"", "", "", false, true},
        {"#", "", "", false, true},           {"/\x80", "/\x80", "", false, true},
    };
    for (auto& c : cases) {
        auto parts = split_target(c.target);
        ASSERT_TRUE(parts) << c.target;
        EXPECT_EQ(parts->path, c.path) << c.target;
        EXPECT_EQ(parts->query, c.query) << c.target;
        EXPECT_EQ(parts->has_query, c.has_query) << c.target;
        EXPECT_EQ(parts->path_is_plain, c.is_plain) << c.target;
    }
}

TEST(SplitTarget, refuses_spaces_and_control_characters_everywhere) {
    for (int i = 0; i < 256; ++i) {
        char c = static_cast<char>(i);
        bool is_forbidden = i <= 0x20 || i == 0x7f;
        for (std::string_view before : {"/", "/a", "/?", "/?a", "/#", "/?#a"}) {
            std::string target = std::string(before) + c + "b";
            EXPECT_EQ(split_target(target).has_value(), !is_forbidden) << before << i;
        }
    }
    EXPECT_FALSE(split_target("a"));
    EXPECT_FALSE(split_target("*"));
}

}  // namespace
}  // namespace ringx::http

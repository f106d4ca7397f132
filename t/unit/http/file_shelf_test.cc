// t/unit/http/file_shelf_test.cc - what is remembered of paths, and what is forgotten first.
//
// Time is a number here. Files are made by hand: nothing is opened.
#include "http/file_shelf.h"

#include <gtest/gtest.h>

namespace ringx::http {
namespace {

OpenRules rules_for(uint32_t max, uint64_t inactive_ms = 60'000) {
    OpenRules rules;
    rules.cached = true;
    rules.cache_max = max;
    rules.inactive_ms = inactive_ms;
    return rules;
}

FileRef file_with(size_t bytes) {
    FileRef file = FileRef::make();
    file->is_file = true;
    file->content.assign(bytes, 'x');
    file->size = bytes;
    file->has_content = true;
    return file;
}

std::string path_of(int number) { return "/srv/www/page-" + std::to_string(number) + ".html"; }

TEST(FileShelf, finds_what_it_learned) {
    FileShelf shelf(1000, 60'000);
    OpenRules rules = rules_for(1000);
    for (int i = 0; i < 500; ++i) {
        CachedPath& entry = shelf.add(path_of(i), rules, 1);
        shelf.learn(entry, file_with(static_cast<size_t>(i)), {}, 1);
    }
    for (int i = 0; i < 500; ++i) {
        CachedPath* entry = shelf.find(path_of(i), rules);
        ASSERT_NE(entry, nullptr) << i;
        EXPECT_EQ(entry->file->size, static_cast<uint64_t>(i));
    }
    EXPECT_EQ(shelf.find("/srv/www/page-500.html", rules), nullptr);
    EXPECT_EQ(shelf.find("/srv/www/page-1.htm", rules), nullptr);
    EXPECT_EQ(shelf.find("", rules), nullptr);
}

TEST(FileShelf, paths_under_other_rules_are_other_entries) {
    FileShelf shelf(10, 60'000);
    OpenRules rules = rules_for(10);
    shelf.learn(shelf.add("/a", rules, 1), file_with(1), {}, 1);
    OpenRules strict = rules;
    strict.symlinks = Symlinks::refuse;
    EXPECT_EQ(shelf.find("/a", strict), nullptr);
    OpenRules from = strict;
    from.symlinks_from = "/";
    shelf.learn(shelf.add("/a", strict, 1), {}, Error{"openat", ELOOP}, 1);
    EXPECT_EQ(shelf.find("/a", from), nullptr);
    OpenRules direct = rules;
    direct.directio_from = 0;
    EXPECT_EQ(shelf.find("/a", direct), nullptr);
    EXPECT_EQ(shelf.find("/a", strict)->error.number, ELOOP);
    EXPECT_TRUE(shelf.find("/a", rules)->file);
}

TEST(FileShelf, the_least_recently_used_makes_room) {
    FileShelf shelf(3, 600'000);
    OpenRules rules = rules_for(3, 600'000);
    for (int i = 0; i < 3; ++i) shelf.add(path_of(i), rules, static_cast<uint64_t>(i));
    shelf.use(*shelf.find(path_of(0), rules), 5000);
    shelf.add(path_of(3), rules, 6000);
    EXPECT_EQ(shelf.size(), 3u);
    EXPECT_NE(shelf.find(path_of(0), rules), nullptr);
    EXPECT_EQ(shelf.find(path_of(1), rules), nullptr);
    EXPECT_NE(shelf.find(path_of(2), rules), nullptr);
}

TEST(FileShelf, what_was_not_used_for_long_is_forgotten_by_and_by) {
    FileShelf shelf(100, 10'000);
    OpenRules rules = rules_for(100, 10'000);
    for (int i = 0; i < 10; ++i) shelf.add(path_of(i), rules, 0);
    shelf.add("/new", rules, 10'001);
    EXPECT_EQ(shelf.size(), 9u);
    for (int i = 0; i < 4; ++i) shelf.use(*shelf.find("/new", rules), 12'000 + static_cast<uint64_t>(i) * 1000);
    EXPECT_EQ(shelf.size(), 1u);
}

TEST(FileShelf, content_in_memory_is_bounded) {
    FileShelf shelf(100'000, 60'000);
    OpenRules rules = rules_for(100'000);
    size_t fit = FileShelf::content_total_max / content_bytes_max;
    for (size_t i = 0; i < fit + 10; ++i) {
        shelf.learn(shelf.add(path_of(static_cast<int>(i)), rules, i), file_with(content_bytes_max), {}, i);
        EXPECT_LE(shelf.content_bytes(), FileShelf::content_total_max);
    }
    EXPECT_EQ(shelf.size(), fit);
    EXPECT_EQ(shelf.find(path_of(9), rules), nullptr);
    EXPECT_NE(shelf.find(path_of(10), rules), nullptr);
}

TEST(FileShelf, a_file_that_is_being_sent_outlives_its_entry) {
    FileRef sent;
    {
        FileShelf shelf(1, 60'000);
        OpenRules rules = rules_for(1);
        CachedPath& entry = shelf.add("/a", rules, 1);
        shelf.learn(entry, file_with(100), {}, 1);
        sent = entry.file;
        shelf.add("/b", rules, 2);
        EXPECT_EQ(shelf.find("/a", rules), nullptr);
        EXPECT_EQ(shelf.content_bytes(), 0u);
    }
    EXPECT_EQ(sent->content, std::string(100, 'x'));
}

TEST(FileShelf, learning_anew_replaces_what_was_known) {
    FileShelf shelf(10, 60'000);
    OpenRules rules = rules_for(10);
    CachedPath& entry = shelf.add("/a", rules, 1);
    EXPECT_FALSE(entry.knows());
    shelf.learn(entry, file_with(100), {}, 1);
    shelf.learn(entry, file_with(7), {}, 2);
    EXPECT_EQ(shelf.content_bytes(), 7u);
    shelf.learn(entry, {}, Error{"open", ENOENT}, 3);
    EXPECT_EQ(shelf.content_bytes(), 0u);
    EXPECT_TRUE(entry.knows());
    shelf.clear();
    EXPECT_EQ(shelf.size(), 0u);
    EXPECT_EQ(shelf.find("/a", rules), nullptr);
}

}  // namespace
}  // namespace ringx::http

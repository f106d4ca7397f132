// conf/mistake_test.cc - what the administrator sees of a mistake, byte for byte.
//
// The report's order and its silence about repetitions are tested here too.

#include "conf/mistake.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ringx::conf {
namespace {

// The place of a word in the only file, reported at the line where it stands.
Place at(uint32_t line, uint32_t column, uint32_t order = 0) {
    return {.file = 0, .line = line, .column = column, .end_line = line, .order = order};
}

std::string shown(std::string_view bytes, const Place& place, std::string hint = {}) {
    Sources sources;
    sources.add({.name = "/etc/ringx/server.conf", .bytes = bytes});
    Report report(sources);
    report.add(Level::emerg, place, "it is wrong", std::move(hint));
    return render(report.take().at(0));
}

TEST(Mistake, shows_the_line_with_a_caret_and_a_hint) {
    EXPECT_EQ(shown("a;\n\n\n  balance fastest;\n", at(4, 11), "expected round_robin, least_busy or hash"),
              "server: [emerg] it is wrong in /etc/ringx/server.conf:4\n"
              "    balance fastest;\n"
              "            ^ expected round_robin, least_busy or hash\n");
}

TEST(Mistake, shows_a_bare_caret_without_a_hint) {
    EXPECT_EQ(shown("balance fastest;", at(1, 9)),
              "server: [emerg] it is wrong in /etc/ringx/server.conf:1\n"
              "    balance fastest;\n"
              "            ^\n");
}

TEST(Mistake, keeps_the_caret_under_its_word) {
    struct {
        std::string_view what, bytes;
        uint32_t column;
        std::string_view picture;
    } cases[] = {
        {"tabs", "\ta\tb;", 4, "    a\tb;\n     \t^\n"},
        {"characters of several bytes", "r\xC3\xB6t\xE2\x82\xAC b;", 9, "    r\xC3\xB6t\xE2\x82\xAC b;\n         ^\n"},
        {"control bytes", "a\x1B[2J\x7F b;", 8, "    a?[2J? b;\n           ^\n"},
        {"line ends of DOS", "a b;\r\n", 3, "    a b;\n      ^\n"},
        {"the end of the line", "a b", 4, "    a b\n       ^\n"},
    };
    for (auto& c : cases) {
        EXPECT_EQ(shown(c.bytes, at(1, c.column)),
                  "server: [emerg] it is wrong in /etc/ringx/server.conf:1\n" + std::string(c.picture))
            << c.what;
    }
}

TEST(Mistake, cuts_long_lines_around_the_caret) {
    std::string text = shown(std::string(500, 'a') + "!" + std::string(500, 'b'), at(1, 501));
    EXPECT_EQ(text, "server: [emerg] it is wrong in /etc/ringx/server.conf:1\n    ..." + std::string(72, 'a') + "!" +
                        std::string(71, 'b') + "...\n    " + std::string(75, ' ') + "^\n");
}

TEST(Mistake, without_a_source_line_shows_the_hint_alone) {
    EXPECT_EQ(shown("", Place{}, "think again"), "server: [emerg] it is wrong\n    think again\n");
    EXPECT_EQ(shown("", Place{}), "server: [emerg] it is wrong\n");
    EXPECT_EQ(shown("a\n   \n", at(2, 4)), "server: [emerg] it is wrong in /etc/ringx/server.conf:2\n");
    EXPECT_EQ(shown("a", at(7, 1)), "server: [emerg] it is wrong in /etc/ringx/server.conf:7\n");
}

TEST(Mistake, in_the_command_line_has_no_line_number) {
    Sources sources;
    sources.add({.name = "command line", .bytes = "daemon maybe;", .command_line = true});
    Report report(sources);
    report.add(Level::warn, at(1, 8), "it is odd");
    EXPECT_EQ(render(report.take().at(0)),
              "server: [warn] it is odd in command line\n"
              "    daemon maybe;\n"
              "           ^\n");
}

TEST(Mistake, knows_where_its_word_stands_besides_its_texts) {
    Sources sources;
    sources.add({.name = "/x", .bytes = "listen\n    800000;\n"});
    sources.add({.name = "command line", .bytes = "daemon maybe;", .command_line = true});
    Report report(sources);
    report.add(Level::emerg, {.file = 0, .line = 2, .column = 5, .end_line = 3, .order = 0}, "it is wrong");
    report.add(Level::emerg, {.file = 1, .line = 1, .column = 8, .end_line = 1, .order = 1}, "it is odd");
    report.add(Level::emerg, Place{}, "it is nowhere");
    auto mistakes = report.take();
    ASSERT_EQ(mistakes.size(), 3u);
    EXPECT_EQ(mistakes[0].file, "/x");
    EXPECT_EQ(mistakes[0].line_number, 2u);
    EXPECT_EQ(mistakes[0].column, 5u);
    EXPECT_EQ(mistakes[0].position, " in /x:3");  // nginx's, where the directive ends
    for (size_t i : {1, 2}) {
        EXPECT_EQ(mistakes[i].file, "");
        EXPECT_EQ(mistakes[i].line_number, 0u);
    }
}

TEST(Report, gives_each_mistake_once_and_in_the_order_of_the_text) {
    Sources sources;
    sources.add({.name = "/x", .bytes = "a;\nb;\n"});
    Report report(sources);
    report.add(Level::warn, Place{}, "after all");
    report.add(Level::warn, at(2, 1, 5), "second");
    report.add(Level::warn, at(1, 1, 2), "first");
    report.add(Level::warn, at(2, 1, 9), "second");
    EXPECT_FALSE(report.failed());
    auto mistakes = report.take();
    ASSERT_EQ(mistakes.size(), 3u);
    EXPECT_EQ(mistakes[0].line(), "first in /x:1");
    EXPECT_EQ(mistakes[1].line(), "second in /x:2");
    EXPECT_EQ(mistakes[2].line(), "after all");
    EXPECT_TRUE(report.take().empty());
}

TEST(Report, ends_after_many_mistakes) {
    Sources sources;
    sources.add({.name = "/x", .bytes = "\n"});
    Report report(sources);
    for (uint32_t i = 1; i <= 3 * Report::mistakes_max; ++i) report.add(Level::emerg, at(i, 1, i), "no");
    auto mistakes = report.take();
    ASSERT_EQ(mistakes.size(), Report::mistakes_max + 1);
    EXPECT_EQ(mistakes.back().line(), "2000 more mistakes are not shown");
}

TEST(Report, has_failed_after_an_emergency) {
    Sources sources;
    Report report(sources);
    report.add(Level::emerg, Place{}, "no way");
    EXPECT_TRUE(report.failed());
}

}  // namespace
}  // namespace ringx::conf

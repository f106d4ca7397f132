// conf/parser_test.cc - statements out of files, files out of files, and how reading survives mistakes.
//
// Statements are shown as their words with blanks between, ended by `;` or by their block in braces.

#include "conf/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace ringx::conf {
namespace {

struct Read {
    std::string statements;
    std::vector<std::string> mistakes;
    std::vector<std::string> files;
};

std::string show(const std::vector<Statement>& statements) {
    std::string text;
    for (const Statement& statement : statements) {
        for (const Word& word : statement.words) {
            if (&word != &statement.words[0]) text += ' ';
            text += word.text;
        }
        text += statement.has_block ? "{" + show(statement.children) + "}" : ";";
    }
    return text;
}

// Reads /conf/main of the bundle.
Read read(Bundle bundle, std::string_view command_line = {}) {
    Arena arena;
    Sources sources;
    Report report(sources);
    Parser parser(bundle, sources, arena, report, "/conf/");
    std::vector<Statement> statements;
    if (!command_line.empty()) parser.read_command_line(command_line, statements);
    parser.read_file("/conf/main", statements);
    Read result{.statements = show(statements), .mistakes = {}, .files = {}};
    for (const Mistake& mistake : report.take()) result.mistakes.push_back(mistake.line());
    for (const auto& source : sources.all()) result.files.emplace_back(source.name);
    return result;
}

Read read(std::string_view text) {
    Bundle bundle = Bundle::in_memory();
    bundle.add("/conf/main", std::string(text));
    return read(std::move(bundle));
}

TEST(Parser, keeps_the_shape_of_the_text) {
    struct {
        std::string_view text, statements;
    } cases[] = {
        {"", ""},
        {"a b; c;", "a b;c;"},
        {"a { b { c d; } e; } f;", "a{b{c d;}e;}f;"},
        {"a {}", "a{}"},
        {"types { text/html html htm; }", "types{text/html html htm;}"},
    };
    for (auto& c : cases) {
        Read got = read(c.text);
        EXPECT_EQ(got.statements, c.statements) << c.text;
        EXPECT_TRUE(got.mistakes.empty()) << c.text;
    }
}

TEST(Parser, reports_and_goes_on) {
    struct {
        std::string_view text, statements;
        std::vector<std::string> mistakes;
    } cases[] = {
        {"a; } b;", "a;b;", {"unexpected \"}\" in /conf/main:1"}},
        {"a {\n b\n}\nc;", "a{b;}c;", {"unexpected \"}\" in /conf/main:3"}},
        {"a {\n b;\n\n", "a{b;}", {"unexpected end of file, expecting \"}\" in /conf/main:4"}},
        {"a {\n b {\n c;\n", "a{b{c;}}", {"unexpected end of file, expecting \"}\" in /conf/main:4"}},
        {"a {\n b", "a{}", {"unexpected end of file, expecting \";\" or \"}\" in /conf/main:2"}},
        {"{ a; } b;", "b;", {"unexpected \"{\" in /conf/main:1"}},
        {"include; b;", "b;", {"invalid number of arguments in \"include\" directive in /conf/main:1"}},
        {"include a b; b;", "b;", {"invalid number of arguments in \"include\" directive in /conf/main:1"}},
        {"include a { c; } b;", "b;", {"directive \"include\" is not terminated by \";\" in /conf/main:1"}},
        {"include a; b;", "b;",
         {"open() \"/conf/a\" failed (2: No such file or directory) in /conf/main:1"}},
        {"include main;", "", {"file \"/conf/main\" includes itself in /conf/main:1"}},
    };
    for (auto& c : cases) {
        Read got = read(c.text);
        EXPECT_EQ(got.statements, c.statements) << c.text;
        EXPECT_EQ(got.mistakes, c.mistakes) << c.text;
    }
}

TEST(Parser, reports_a_missing_file_without_a_position) {
    Read got = read(Bundle::in_memory());
    EXPECT_EQ(got.mistakes,
              std::vector<std::string>{"open() \"/conf/main\" failed (2: No such file or directory)"});
}

TEST(Parser, puts_included_files_in_their_place) {
    Bundle bundle = Bundle::in_memory();
    bundle.add("/conf/main", "a; b { include sub/*.conf; c; } include /abs; include none*; include \"last\";");
    bundle.add_glob("/conf/sub/*.conf", {"/conf/sub/1.conf", "/conf/sub/2.conf"});
    bundle.add("/conf/sub/1.conf", "one { include last; }");
    bundle.add("/conf/sub/2.conf", "two;");
    bundle.add("/abs", "three;");
    bundle.add("/conf/last", "last;");
    Read got = read(std::move(bundle));
    EXPECT_EQ(got.statements, "a;b{one{last;}two;c;}three;last;");
    EXPECT_TRUE(got.mistakes.empty());
    EXPECT_EQ(got.files, (std::vector<std::string>{"/conf/main", "/conf/sub/1.conf", "/conf/last", "/conf/sub/2.conf",
                                                   "/abs"}));
}

TEST(Parser, lets_no_file_close_the_block_of_another) {
    Bundle bundle = Bundle::in_memory();
    bundle.add("/conf/main", "a { include b; } c;");
    bundle.add("/conf/b", "d; }\ne {\n");
    Read got = read(std::move(bundle));
    EXPECT_EQ(got.statements, "a{d;e{}}c;");
    EXPECT_EQ(got.mistakes, (std::vector<std::string>{"unexpected \"}\" in /conf/b:1",
                                                      "unexpected end of file, expecting \"}\" in /conf/b:3"}));
}

TEST(Parser, ends_files_that_include_each_other) {
    Bundle bundle = Bundle::in_memory();
    bundle.add("/conf/main", "a; include b;");
    bundle.add("/conf/b", "b; include main; c;");
    Read got = read(std::move(bundle));
    EXPECT_EQ(got.statements, "a;b;c;");
    EXPECT_EQ(got.mistakes, std::vector<std::string>{"file \"/conf/main\" includes itself in /conf/b:1"});
}

TEST(Parser, bounds_how_deep_and_how_often_files_include) {
    Bundle bundle = Bundle::in_memory();
    bundle.add("/conf/main", "include 0;");
    for (size_t i = 0; i < Parser::depth_max + 1; ++i) {
        std::string next = std::to_string(i + 1);
        bundle.add("/conf/" + std::to_string(i), "include " + next + "; include " + next + ";");
    }
    Read got = read(std::move(bundle));
    std::string too_deep = "blocks and files are nested more than 64 deep in /conf/63:1";
    ASSERT_EQ(got.mistakes.size(), 3u);
    EXPECT_EQ(got.mistakes[0], too_deep);
    EXPECT_EQ(got.mistakes[1], too_deep);  // the second `include` of the line
    EXPECT_TRUE(got.mistakes[2].starts_with("too many files are included in /conf/"));
}

TEST(Parser, bounds_how_deep_blocks_are_nested) {
    std::string deep;
    for (size_t i = 0; i < 100'000; ++i) deep += "a{";
    for (size_t i = 0; i < 100'000; ++i) deep += "}";
    Read got = read(deep + "b;");
    ASSERT_EQ(got.mistakes.size(), 1u);
    EXPECT_EQ(got.mistakes[0], "blocks and files are nested more than 64 deep in /conf/main:1");
    EXPECT_TRUE(got.statements.ends_with("}b;"));
}

TEST(Parser, reads_the_command_line_first) {
    Bundle bundle = Bundle::in_memory();
    bundle.add("/conf/main", "a;");
    EXPECT_EQ(read(bundle, "daemon off; b;").statements, "daemon off;b;a;");
    EXPECT_EQ(read(bundle, "events { }").mistakes,
              std::vector<std::string>{"block directives are not supported in -g option in command line"});
    EXPECT_EQ(read(bundle, "daemon off").mistakes,
              std::vector<std::string>{"unexpected end of parameter, expecting \";\" in command line"});
}

}  // namespace
}  // namespace ringx::conf

// conf/lexer_test.cc - every rule of cutting text into words, and every way of getting it wrong.
//
// A text is shown as its words in brackets, each run followed by what ended it; quoted words in round brackets.

#include "conf/lexer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace ringx::conf {
namespace {

struct Lexed {
    std::string words;
    std::vector<Mistake> mistakes;
};

Lexed lex(std::string_view bytes, bool command_line = false) {
    Arena arena;
    Sources sources;
    uint32_t file = sources.add({.name = "/x", .bytes = bytes, .command_line = command_line});
    Report report(sources);
    uint32_t order = 0;
    Lexer lexer(sources[file], file, order, arena, report);

    Lexed lexed;
    std::vector<Word> words;
    for (;;) {
        Stop stop = lexer.next(words);
        for (const Word& word : words) {
            lexed.words += word.quoted ? '(' : '[';
            lexed.words += word.text;
            lexed.words += word.quoted ? ')' : ']';
        }
        if (stop == Stop::end_of_text) break;
        lexed.words += stop == Stop::semicolon ? ";" : stop == Stop::open_brace ? "{" : "}";
    }
    lexed.mistakes = report.take();
    return lexed;
}

TEST(Lexer, cuts_text_as_nginx_does) {
    using namespace std::literals;
    struct {
        std::string_view text;
        std::string_view words;
    } cases[] = {
        {"", ""},
        {" \t\r\n", ""},
        {"a;", "[a];"},
        {"a b\tc\r\nd ;", "[a][b][c][d];"},
        {"a { b c; }", "[a]{[b][c];}"},
        {"a{b;}c;", "[a]{[b];}[c];"},
        // a byte order mark is a part of the first word
        {"\xEF\xBB\xBF" "a;", "[\xEF\xBB\xBF" "a];"},
        // `}` and `#` mean something at the start of a word only
        {"a}b c#d;", "[a}b][c#d];"},
        {"a; # b; { } \" '\nc;", "[a];[c];"},
        {"# all", ""},
        {"a #b\n c;", "[a][c];"},
        // quotes count at the start of a word only
        {"a \"b c\" 'd;{}#';", "[a](b c)(d;{}#);"},
        {"a\"b c'd;", "[a\"b][c'd];"},
        {"a \"\" '';", "[a]()();"},
        {"a \"it's\" '\"';", "[a](it's)(\");"},
        {"a \"b\"{", "[a](b){"},
        {"a \"two\nlines\";", "[a](two\nlines);"},
        {"if ($a = \"b\") {", "[if][($a][=](b)[)]{"},
        // backslashes, inside quotes and out
        {R"(a \"b \'c \\d;)", R"([a]["b]['c][\d];)"},
        {R"(a "\"b\'\\";)", R"([a]("b'\);)"},
        {R"(a \t\r\n;)", "[a][\t\r\n];"},
        {R"(a \;b\ c\{;)", R"([a][\;b\ c\{];)"},
        {R"(a \.php$ "\d+";)", R"([a][\.php$](\d+);)"},
        {R"(a \\;)", R"([a][\];)"},
        {R"(a \\\";)", R"([a][\"];)"},
        {"a \\\nb;", "[a][\\\nb];"},
        {R"(\a;)", R"([\a];)"},
        {R"(a \#b;)", R"([a][\#b];)"},
        // `{` behind `$` belongs to the word
        {"a ${b}c;", "[a][${b}c];"},
        {"a x${b}{", "[a][x${b}]{"},
        {"a $b{", "[a][$b]{"},
        {"a $${b};", "[a][$${b}];"},
        {"a \"${b}\";", "[a](${b});"},
        {"a ~ x{3}$;", "[a][~][x]{[3}$];"},
        {"a\0b;"sv, "[a\0b];"sv},
    };
    for (auto& c : cases) {
        Lexed lexed = lex(c.text);
        EXPECT_EQ(lexed.words, c.words) << c.text;
        EXPECT_TRUE(lexed.mistakes.empty()) << c.text << ": " << lexed.mistakes[0].line();
    }
}

TEST(Lexer, reports_what_is_wrong_and_goes_on) {
    std::string long_word(Lexer::word_bytes_max + 1, 'x');
    std::string too_long = "a " + long_word + ";\nb;";
    std::string missing_quote = "a \"" + long_word + "\";\nb;";
    struct {
        std::string_view text;
        std::string_view words;
        std::string_view mistake;
    } cases[] = {
        {";a;", "[a];", "unexpected \";\" in /x:1"},
        {"\n{ a; }", "{[a];}", "unexpected \"{\" in /x:2"},
        {"a {\n b\n}\nc;", "[a]{[b];}[c];", "unexpected \"}\" in /x:3"},
        {"a \"b\"c;", "[a](b)[c];", "unexpected \"c\" in /x:1"},
        {"a 'b'\"c\";", "[a](b)(c);", "unexpected \"\"\" in /x:1"},
        {"a 'b'#c\n;", "[a](b);", "unexpected \"#\" in /x:1"},
        {"a 'b'}", "[a](b);}", "unexpected \"}\" in /x:1"},
        {"a b\n\n", "", "unexpected end of file, expecting \";\" or \"}\" in /x:3"},
        {"a;\nb \"c;\n", "[a];", "unexpected end of file, expecting \";\" or \"}\" in /x:3"},
        {"a \"b\"", "", "unexpected end of file, expecting \";\" or \"}\" in /x:1"},
        {"a \\", "", "unexpected end of file, expecting \";\" or \"}\" in /x:1"},
        {missing_quote, "", "too long parameter, probably missing terminating \"\"\" character in /x:1"},
    };
    for (auto& c : cases) {
        Lexed lexed = lex(c.text);
        EXPECT_EQ(lexed.words, c.words) << c.text;
        ASSERT_EQ(lexed.mistakes.size(), 1u) << c.text;
        EXPECT_EQ(lexed.mistakes[0].line(), c.mistake) << c.text;
    }
    ASSERT_EQ(lex(too_long).mistakes.size(), 1u);
    EXPECT_EQ(lex(too_long).mistakes[0].line(), "too long parameter \"xxxxxxxxxx...\" started in /x:1");
}

TEST(Lexer, takes_words_of_the_longest_length) {
    std::string longest(Lexer::word_bytes_max, 'x');
    EXPECT_TRUE(lex("a " + longest + ";").mistakes.empty());
    EXPECT_TRUE(lex("a \"" + longest + "\";").mistakes.empty());
}

TEST(Lexer, says_which_quote_is_open) {
    auto mistakes = lex("a\n\"b;\nc;\n").mistakes;
    ASSERT_EQ(mistakes.size(), 1u);
    EXPECT_EQ(mistakes[0].hint, "the quote opened in line 2 is not closed");
}

TEST(Lexer, has_other_words_for_the_end_of_the_command_line) {
    auto mistakes = lex("daemon off", true).mistakes;
    ASSERT_EQ(mistakes.size(), 1u);
    EXPECT_EQ(mistakes[0].line(), "unexpected end of parameter, expecting \";\" in command line");
}

TEST(Lexer, knows_where_words_stand) {
    Arena arena;
    Sources sources;
    uint32_t file = sources.add({.name = "/x", .bytes = "a;\n  b \"c\nd\"\te;"});
    Report report(sources);
    uint32_t order = 0;
    Lexer lexer(sources[file], file, order, arena, report);
    std::vector<Word> words;
    lexer.next(words);
    lexer.next(words);
    ASSERT_EQ(words.size(), 3u);
    struct {
        uint32_t line, column;
    } want[] = {{2, 3}, {2, 5}, {3, 4}};
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(words[i].place.line, want[i].line) << i;
        EXPECT_EQ(words[i].place.column, want[i].column) << i;
    }
    EXPECT_EQ(lexer.stop().line, 3u);
    EXPECT_EQ(lexer.stop().column, 5u);
}

}  // namespace
}  // namespace ringx::conf

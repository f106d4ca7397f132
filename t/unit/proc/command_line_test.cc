// t/unit/proc/command_line_test.cc - the command line is nginx's, letter for letter.
//
// What is accepted is read back from the fields; what is not, from the sentence that nginx prints.
#include "proc/command_line.h"

#include <gtest/gtest.h>

namespace ringx::proc {
namespace {

using Signal = CommandLine::Signal;

std::expected<CommandLine, std::string> parse(std::initializer_list<std::string_view> words) {
    return CommandLine::parse(std::span(words.begin(), words.size()));
}

TEST(CommandLine, letters_may_be_glued) {
    auto line = parse({"-tqvV"});
    ASSERT_TRUE(line);
    EXPECT_TRUE(line->test && line->quiet && line->version && line->build);
    EXPECT_FALSE(line->dump || line->help);
}

TEST(CommandLine, a_value_is_glued_or_the_next_word_and_ends_its_cluster) {
    for (auto words : {std::initializer_list<std::string_view>{"-tcfile"}, {"-tc", "file"}, {"-t", "-c", "file"}}) {
        auto line = parse(words);
        ASSERT_TRUE(line);
        EXPECT_TRUE(line->test);
        EXPECT_EQ(line->conf_path, "file");
    }
}

TEST(CommandLine, every_value_finds_its_place) {
    auto line = parse({"-p/prefix", "-e", "stderr", "-g", "daemon off;", "-s", "reload"});
    ASSERT_TRUE(line);
    EXPECT_EQ(line->prefix, "/prefix");
    EXPECT_EQ(line->error_log, "stderr");
    EXPECT_EQ(line->globals, "daemon off;");
    EXPECT_EQ(line->signal, Signal::reload);
}

TEST(CommandLine, doctor_is_the_first_word) {
    auto line = parse({"doctor", "-c", "file", "-p/prefix"});
    ASSERT_TRUE(line);
    EXPECT_TRUE(line->doctor);
    EXPECT_EQ(line->conf_path, "file");
    EXPECT_FALSE(parse({"-q"})->doctor);
    EXPECT_EQ(parse({"-q", "doctor"}).error(), "invalid option: \"doctor\"");
    EXPECT_EQ(parse({"doctor", "-t"}).error(), "\"doctor\" does not go with -t, -T or -s");
}

TEST(CommandLine, T_tests_and_dumps_and_h_shows_the_version_too) {
    EXPECT_TRUE(parse({"-T"})->test && parse({"-T"})->dump);
    EXPECT_TRUE(parse({"-h"})->help && parse({"-?"})->version);
}

TEST(CommandLine, what_is_wrong_is_said_as_nginx_says_it) {
    struct {
        std::initializer_list<std::string_view> words;
        std::string_view sentence;
    } cases[] = {
        {{"-c"}, "option \"-c\" requires file name"},
        {{"-e"}, "option \"-e\" requires file name"},
        {{"-p"}, "option \"-p\" requires directory name"},
        {{"-tg"}, "option \"-g\" requires parameter"},
        {{"-s"}, "option \"-s\" requires parameter"},
        {{"-s", "foo"}, "invalid option: \"-s foo\""},
        {{"-z"}, "invalid option: \"z\""},
        {{"start"}, "invalid option: \"start\""},
        {{"--nonsense"}, "invalid option: \"--nonsense\""},
        {{"--port"}, "option \"--port\" requires a value"},
        {{"--port", "0"}, "invalid value \"0\" for option \"--port\""},
        {{"--mode=slow"}, "invalid value \"slow\" for option \"--mode\""},
    };
    for (auto& c : cases) {
        auto line = parse(c.words);
        ASSERT_FALSE(line) << c.sentence;
        EXPECT_EQ(line.error(), c.sentence);
    }
}

TEST(QuickServe, long_options_become_a_configuration) {
    auto line = parse({"--mode", "fast-path", "--static-dir", "/srv/files", "--port=9000", "--no-io-uring"});
    ASSERT_TRUE(line && line->quick);
    std::string text = line->quick->configuration();
    for (std::string_view piece : {"listen 127.0.0.1:9000;", "root \"/srv/files\";", "use epoll;", "autoindex on;"}) {
        EXPECT_NE(text.find(piece), std::string::npos) << piece << "\n" << text;
    }
    EXPECT_EQ(line->quick->url(), "http://127.0.0.1:9000/");
}

TEST(QuickServe, an_address_is_put_together_from_its_parts) {
    struct {
        std::initializer_list<std::string_view> words;
        std::string_view url;
    } cases[] = {
        {{"--root", "."}, "http://127.0.0.1:8080/"},
        {{"--listen", "9000"}, "http://127.0.0.1:9000/"},
        {{"--listen", "10.0.0.1"}, "http://10.0.0.1:8080/"},
        {{"--listen", "10.0.0.1:81"}, "http://10.0.0.1:81/"},
        {{"--listen", "[::1]:81"}, "http://[::1]:81/"},
        {{"--listen", "[::1]"}, "http://[::1]:8080/"},
        {{"--host", "::1", "--port", "81"}, "http://[::1]:81/"},
        {{"--host", "0.0.0.0"}, "http://localhost:8080/"},
    };
    for (auto& c : cases) EXPECT_EQ(parse(c.words)->quick->url(), c.url);
}

}  // namespace
}  // namespace ringx::proc

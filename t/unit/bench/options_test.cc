// options_test.cc - what the command line of bench says, and the sentences for what it may not say.
//
// Each sentence is looked for by a part of it that names what is wrong.
#include "bench/options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace ringx::bench;
using Words = std::vector<std::string_view>;

namespace {

constexpr std::string_view url = "http://localhost/";

TEST(BenchOptions, every_form_of_a_value_is_understood) {
    for (Words words : {Words{"-c", "7", url}, Words{"-c7", url}, Words{"--connections=7", url},
                        Words{url, "--connections", "7"}}) {
        auto options = Options::parse(words);
        ASSERT_TRUE(options) << options.error();
        EXPECT_EQ(options->connections, 7u);
    }
}

TEST(BenchOptions, defaults_make_a_run_of_ten_seconds) {
    auto options = Options::parse(Words{url});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->connections, 64u);
    EXPECT_EQ(options->threads, 1u);
    EXPECT_EQ(options->duration, std::chrono::seconds(10));
    EXPECT_EQ(options->requests, 0u);
    EXPECT_FALSE(options->is_open_loop());
}

TEST(BenchOptions, a_server_and_a_payload_make_a_url) {
    struct {
        Words words;
        std::string_view want;
    } cases[] = {
        {{"--host", "example.com"}, "http://example.com:8080/"},
        {{"--port", "81"}, "http://127.0.0.1:81/"},
        {{"-p", "1k"}, "http://127.0.0.1:8080/bench/1k"},
        {{"--host", "::1", "-p128"}, "http://[::1]:8080/bench/128"},
        {{"--tls", "--host", "a"}, "https://a:8443/"},
        {{"--tls", "--host", "a", "--port=443"}, "https://a/"},
    };
    for (auto& c : cases) {
        auto options = Options::parse(c.words);
        ASSERT_TRUE(options) << options.error();
        EXPECT_EQ(options->urls[0].text(), c.want);
    }
}

TEST(BenchOptions, what_is_wrong_is_said_in_a_sentence) {
    struct {
        Words words;
        std::string_view part;
    } cases[] = {
        {{}, "whom to ask?"},
        {{"--bad", url}, "there is no option \"--bad\""},
        {{"-x", url}, "there is no option \"-x\""},
        {{url, "-c"}, "option \"-c\" needs a value: NUMBER"},
        {{url, "--close=yes"}, "option \"--close\" takes no value"},
        {{"-c", "0", url}, "--connections is a number from 1 to 100000, not \"0\""},
        {{"-c", "many", url}, "not \"many\""},
        {{"-d", "soon", url}, "--duration is a time such as 10s"},
        {{"-d", "0", url}, "--duration is a time such as 10s"},
        {{"-r", "0", url}, "--rate is a number"},
        {{"-r", "fast", url}, "--rate is a number"},
        {{"-r", "nan", url}, "--rate is a number"},
        {{"-p", "2k"}, "--payload is 128, 1k or 10k"},
        {{"-p", "1k", url}, "a URL says it all"},
        {{"--port", "70000"}, "--port is a number from 1 to 65535"},
        {{"-n", "5", "-d", "5", url}, "--requests or --duration, not both"},
        {{"-c", "1", "-t", "2", url}, "2 threads have nothing to share"},
        {{"--close", "--pipeline", "2", url}, "--close and --pipeline contradict"},
        {{"ftp://localhost/", }, "does not begin with http://"},
        {{"http://user@localhost/"}, "a name and password go into a header"},
        {{"http://local host/"}, "spaces and control characters"},
        {{"http:///path"}, "the host is not valid"},
        {{"http://a:0/"}, "the port is not valid"},
        {{"http://a:99999/"}, "is no URL"},
        {{"http://a/", "http://b/"}, "are of different servers"},
        {{"-m", "GE T", url}, "\"GE T\" is no method"},
        {{"-m", "CONNECT", url}, "would open a tunnel"},
        {{"-H", "no colon", url}, "a header is written"},
        {{"-H", "A: b\r\nC: d", url}, "a header is written"},
        {{"-H", "content-length: 5", url}, "follows from --body"},
        {{"--body", "/nowhere", url}, "cannot be read"},
        {{"--engine", "kqueue", url}, "--engine is io_uring, epoll or auto"},
        {{"--verify", url}, "are about TLS"},
    };
    for (auto& c : cases) {
        auto options = Options::parse(c.words);
        ASSERT_FALSE(options) << c.part;
        EXPECT_NE(options.error().find(c.part), std::string::npos) << options.error();
    }
}

TEST(BenchOptions, requests_have_what_was_asked_for_and_no_more) {
    auto options = Options::parse(Words{"http://localhost:8080/a?b"});
    EXPECT_EQ(options->request(options->urls[0]), "GET /a?b HTTP/1.1\r\nHost: localhost:8080\r\n\r\n");
    options = Options::parse(Words{"--close", "-H", "X-A: 1", "-H", "host: other", "-m", "HEAD", "http://a"});
    EXPECT_EQ(options->request(options->urls[0]),
              "HEAD / HTTP/1.1\r\nConnection: close\r\nX-A: 1\r\nhost: other\r\n\r\n");
}

TEST(BenchOptions, usage_names_every_option) {
    for (std::string_view option : {"--connections", "--rate", "--pipeline", "--tls", "--timeout"}) {
        EXPECT_NE(usage().find(option), std::string::npos) << option;
    }
}

}  // namespace

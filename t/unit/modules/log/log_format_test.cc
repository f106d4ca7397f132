// t/unit/modules/log/log_format_test.cc - lines of access logs, byte for byte.
//
// The escaping is tested with every byte, in every way of escaping: a request is one line whatever it holds.
#include "modules/log/log_format.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/format.h"
#include "modules/log/log_directives.h"
#include "t/unit/http/sample_site.h"

namespace ringx::http {
namespace {

std::string line(SampleSite& site, Request& request) {
    const LogSettings& settings = log_settings.in(*request.block);
    std::string text;
    if (site.mistakes().empty() && !settings.logs.empty()) settings.logs[0]->format->append_to(text, request);
    return text;
}

TEST(LogFormat, combined_is_that_of_nginx) {
    SampleSite site("server { listen 1; }");
    Request& request = site.request("GET /a?b HTTP/1.1\nHost: a\nReferer: http://\"x\"/\nUser-Agent: curl\n"
                                    "Authorization: Basic bWU6cHc=\n\n");
    request.sent_status = 200;
    request.sent_body_bytes = 1234;
    std::string time(site.loop.clock().log_time());
    EXPECT_EQ(line(site, request),
              " - me [" + time + "] \"GET /a?b HTTP/1.1\" 200 1234 \"http://\\x22x\\x22/\" \"curl\"");
    Request& bare = site.request("GET / HTTP/1.0\n\n");
    EXPECT_EQ(line(site, bare), " - - [" + time + "] \"GET / HTTP/1.0\" 000 0 \"-\" \"-\"");
}

TEST(LogFormat, json_is_there_without_being_declared) {
    SampleSite site("server { listen 1; access_log a json; }");
    ASSERT_EQ(site.mistakes(), std::vector<std::string>());
    Request& request = site.request("GET /a?b HTTP/1.1\nHost: a\nUser-Agent: \"x\"\n\n");
    request.sent_status = 200;
    request.sent_body_bytes = 1234;
    auto object = nlohmann::json::parse(line(site, request), nullptr, false);
    ASSERT_TRUE(object.is_object());
    EXPECT_EQ(object["uri"], "/a?b");
    EXPECT_EQ(object["status"], 200);
    EXPECT_EQ(object["body_bytes_sent"], 1234);
    EXPECT_EQ(object["user_agent"], "\"x\"");
    for (auto name : {"referer", "tls_protocol", "upstream_addr", "upstream_tries", "upstream_response_time"}) {
        EXPECT_TRUE(object.contains(name) && object[name].is_null()) << name;
    }
    Request& bare = site.request("GET / HTTP/1.0\n\n");  // its status is not known: 000 would be no number
    EXPECT_TRUE(nlohmann::json::parse(line(site, bare), nullptr, false)["status"].is_null());
}

TEST(LogFormat, a_json_of_the_configuration_is_its_own) {
    for (std::string_view name : {"json", "JSON"}) {
        SampleSite site(text::format("log_format {} '<$arg_a>'; server {{ listen 1; access_log a json; }}", name));
        ASSERT_EQ(site.mistakes(), std::vector<std::string>());
        Request& request = site.request("GET /?a=b HTTP/1.1\nHost: a\n\n");
        request.args = "a=b";
        EXPECT_EQ(line(site, request), "<b>");
    }
    SampleSite site("access_log x json; log_format json '<$arg_a>'; server { listen 1; access_log a json; }");
    EXPECT_EQ(site.mistakes(), std::vector<std::string>());
    EXPECT_EQ(line(site, site.request()), "<->");
}

TEST(LogFormat, words_are_one_text_and_escapes_are_chosen) {
    struct {
        std::string_view format, want;
    } cases[] = {
        {"'$arg_a' b ${arg_a}c", "x\\x22\\x5C\\x7F\\xC3bx\\x22\\x5C\\x7F\\xC3c"},
        {"escape=default '<$arg_a>'", "<x\\x22\\x5C\\x7F\\xC3>"},
        {"escape=json '<$arg_a>'", "<x\\\"\\\\\x7f\xC3>"},
        {"escape=none '<$arg_a>'", "<x\"\\\x7f\xC3>"},
        {"'<$arg_none>'", "<->"},
        {"'<$is_request_port>'", "<>"},
        {"escape=json '<$arg_none>'", "<>"},
        {"escape=none '<$arg_none>'", "<>"},
    };
    for (auto& c : cases) {
        SampleSite site(text::format("log_format f {}; server {{ listen 1; access_log a f; }}", c.format));
        ASSERT_EQ(site.mistakes(), std::vector<std::string>()) << c.format;
        Request& request = site.request("GET / HTTP/1.1\nHost: a\n\n");
        request.args = "a=x\"\\\x7f\xC3";
        EXPECT_EQ(line(site, request), c.want) << c.format;
    }
}

TEST(LogFormat, no_byte_breaks_a_line_unless_nothing_is_escaped) {
    for (std::string_view escape : {"default", "json"}) {
        SampleSite site(
            text::format("log_format f escape={} '$arg_a'; server {{ listen 1; access_log a f; }}", escape));
        Request& request = site.request();
        for (int byte = 0; byte < 256; ++byte) {
            std::string args = "a=" + std::string(40, 'x') + static_cast<char>(byte) + std::string(40, 'y');
            if (byte == '&') continue;  // ends the argument
            request.args = args;
            std::string text = line(site, request);
            for (char c : text) {
                EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20) << escape << " " << byte;
                EXPECT_TRUE(escape == "json" || static_cast<unsigned char>(c) < 0x7f) << byte;
            }
            EXPECT_TRUE(text.starts_with('x') && text.ends_with('y')) << byte;
        }
    }
}

TEST(LogFormat, takes_values_of_any_length) {
    SampleSite site("log_format f $arg_a; server { listen 1; access_log a f; }");
    Request& request = site.request();
    std::string args = "a=" + std::string(64 << 10, '"');
    request.args = args;
    EXPECT_EQ(line(site, request).size(), size_t{4} << 16);
}

TEST(LogFormat, complains_in_the_words_of_nginx) {
    struct {
        std::string_view text, sentence;
    } cases[] = {
        {"log_format f '$nothing';", "unknown \"nothing\" variable"},
        {"log_format f 'a$';", "invalid parameter \"a$\""},
        {"log_format f '${host';", "the closing bracket in \"host\" variable is missing"},
        {"log_format f escape=html '';", "unknown log format escaping \"html\""},
        {"log_format f a; log_format f b;", "duplicate \"log_format\" name \"f\""},
        {"log_format combined a;", "duplicate \"log_format\" name \"combined\""},
        {"log_format f;", "invalid number of arguments in \"log_format\" directive"},
    };
    for (auto& c : cases) {
        SampleSite site(std::string(c.text) + " server { listen 1; }");
        EXPECT_EQ(site.mistakes(), std::vector<std::string>{std::string(c.sentence)}) << c.text;
    }
}

}  // namespace
}  // namespace ringx::http

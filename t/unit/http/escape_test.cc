// escape_test.cc - every byte in every kind of escaping.
//
// One request must stay one log line, and a file name must not become markup, whatever bytes it holds.
#include "http/escape.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ringx::http {
namespace {

std::string every_byte() {
    std::string text;
    for (int i = 0; i < 256; ++i) text.push_back(static_cast<char>(i));
    return text;
}

TEST(EscapeHtml, hides_markup) {
    std::string out = "x";
    escape_html("a<b>&\"c'", out);
    EXPECT_EQ(out, "xa&lt;b&gt;&amp;&quot;c'");
}

TEST(EscapeJson, is_read_back_by_a_json_parser) {
    std::string text = every_byte().substr(0, 128) + "\xc3\xa9";
    std::string out = "\"";
    escape_json(text, out);
    EXPECT_EQ(nlohmann::json::parse(out + "\"", nullptr, false), text);
    out.clear();
    escape_json("\b\f\n\r\t\x1f\"\\/\x7f", out);
    EXPECT_EQ(out, "\\b\\f\\n\\r\\t\\u001F\\\"\\\\/\x7f");
}

TEST(EscapeLog, leaves_one_printable_line) {
    std::string out;
    escape_log(every_byte(), out);
    for (char c : out) EXPECT_TRUE(c >= 0x20 && c < 0x7f && c != '"');
    out.clear();
    escape_log(std::string_view("a\0\x1f \"\\\x7f\x80\xff" "b", 10), out);
    EXPECT_EQ(out, "a\\x00\\x1F \\x22\\x5C\\x7F\\x80\\xFFb");
}

TEST(EscapeLog, finds_each_byte_wherever_it_stands) {
    for (size_t place = 0; place < 40; ++place) {
        for (int byte = 0; byte < 256; ++byte) {
            std::string text(40, 'x'), log, json, one_log, one_json;
            text[place] = static_cast<char>(byte);
            std::string_view one(&text[place], 1);
            std::string before(place, 'x'), after(39 - place, 'x');
            escape_log(text, log);
            escape_json(text, json);
            escape_log(one, one_log);
            escape_json(one, one_json);
            EXPECT_EQ(log, before + one_log + after) << byte;
            EXPECT_EQ(json, before + one_json + after) << byte;
        }
    }
}

TEST(EscapeUri, escapes_what_nginx_does) {
    auto escaped = [](UriPart part) {
        std::string kept;
        for (char c : every_byte()) {
            std::string out;
            escape_uri({&c, 1}, part, out);
            if (out.size() == 1) kept += out;
        }
        return kept;
    };
    std::string upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    std::string lower = "abcdefghijklmnopqrstuvwxyz";
    EXPECT_EQ(escaped(UriPart::path), "!$&'()*+,-./0123456789:;=@" + upper + "[]_" + lower + "~");
    EXPECT_EQ(escaped(UriPart::args), "!$'()*,-./0123456789:=@" + upper + "[]_" + lower + "~");
    EXPECT_EQ(escaped(UriPart::component), "-.0123456789" + upper + "_" + lower + "~");
    std::string out = "/";
    escape_uri("a b\xc3\xa9?", UriPart::path, out);
    EXPECT_EQ(out, "/a%20b%C3%A9%3F");
}

TEST(UnescapeUri, undoes_every_escaping_and_keeps_what_is_broken) {
    for (UriPart part : {UriPart::path, UriPart::args, UriPart::component}) {
        std::string escaped;
        std::string out;
        escape_uri(every_byte(), part, escaped);
        unescape_uri(escaped, out);
        EXPECT_EQ(out, every_byte());
    }
    std::string out;
    unescape_uri("%41%4a%zz%4%%42%", out);
    EXPECT_EQ(out, "AJ%zz%4%B%");
}

}  // namespace
}  // namespace ringx::http

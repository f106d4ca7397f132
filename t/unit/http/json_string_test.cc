// t/unit/http/json_string_test.cc - whatever bytes come in, a string of JSON comes out.
//
// A parser of JSON, which refuses what is not UTF-8, is the judge.
#include "http/json_string.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ringx::http {
namespace {

std::string json_string(std::string_view text) {
    std::string out;
    append_json_string(text, out);
    return out;
}

TEST(JsonString, keeps_characters_and_names_bytes_that_are_none) {
    struct {
        std::string_view text, want;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"\"\\\n\x01\x7f", "\"\\\n\x01\x7f"},
        {"\xc2\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc2\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a\xffz", "a\\xFFz"},
        {"\x80", "\\x80"},
        {"\xc3", "\\xC3"},                              // ends too soon
        {"\xe2\x82", "\\xE2\\x82"},
        {"\xf0\x9f\x98z", "\\xF0\\x9F\\x98z"},
        {"\xc0\xaf", "\\xC0\\xAF"},                      // longer than it need be
        {"\xe0\x9f\xbf", "\\xE0\\x9F\\xBF"},
        {"\xf0\x8f\xbf\xbf", "\\xF0\\x8F\\xBF\\xBF"},
        {"\xed\xa0\x80", "\\xED\\xA0\\x80"},             // a surrogate
        {"\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80"},    // beyond the last character
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\xc3\xc3\xa9", "\\xC3\xc3\xa9"},
    };
    for (auto& c : cases) EXPECT_EQ(nlohmann::json::parse(json_string(c.text), nullptr, false), c.want) << c.text;
}

TEST(JsonString, is_valid_for_all_pairs_of_bytes) {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            std::string text = {'a', static_cast<char>(first), static_cast<char>(second), 'z'};
            auto read = nlohmann::json::parse(json_string(text), nullptr, false);
            ASSERT_TRUE(read.is_string()) << first << " " << second;
        }
    }
}

}  // namespace
}  // namespace ringx::http

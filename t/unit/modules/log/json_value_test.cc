// t/unit/modules/log/json_value_test.cc - whatever bytes come in, a value of JSON comes out.
//
// A parser of JSON, which refuses what is not UTF-8, is the judge of strings.
#include "modules/log/json_value.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ringx::http {
namespace {

std::string json_string(std::string_view text) {
    std::string out;
    append_json_string(text, out);
    return out;
}

std::string json_number(std::string_view text) {
    std::string out;
    append_json_number(text, out);
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

TEST(JsonNumber, is_what_JSON_takes_for_one_or_null) {
    for (std::string_view number : {"0", "7", "200", "0.000", "12.345", "18446744073709551615"}) {
        EXPECT_EQ(json_number(number), number);
    }
    for (std::string_view none : {"", "-", "000", "007", "1.", ".5", "1.x", "1 ", "0x1", "1e3", "200, 200", "1.2.3"}) {
        EXPECT_EQ(json_number(none), "null") << none;
    }
}

TEST(Tries, are_counted_and_the_last_is_found) {
    struct {
        std::string_view values;
        size_t count;
        std::string_view last;
    } cases[] = {
        {"", 0, ""},
        {"200", 1, "200"},
        {"502, 200", 2, "200"},
        {"502, 504 : 200", 3, "200"},
        {"- : 200, -", 3, "-"},
    };
    for (auto& c : cases) {
        EXPECT_EQ(count_tries(c.values), c.count) << c.values;
        EXPECT_EQ(last_of_tries(c.values), c.last) << c.values;
    }
}

}  // namespace
}  // namespace ringx::http

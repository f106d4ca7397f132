// t/unit/modules/log/json_value_test.cc - what variables of upstreams and times have to say, as values of JSON.
//
// What is a number to them need not be one to JSON.
#include "modules/log/json_value.h"

#include <gtest/gtest.h>

namespace ringx::http {
namespace {

std::string json_number(std::string_view text) {
    std::string out;
    append_json_number(text, out);
    return out;
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

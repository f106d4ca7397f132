// t/unit/http/json_writer_test.cc - what is written is JSON, and says what was meant.
//
// A parser of JSON is the judge of whole texts.
#include "http/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include <nlohmann/json.hpp>

namespace ringx::http {
namespace {

TEST(JsonWriter, WritesCommasWhereTheyBelong) {
    JsonWriter json;
    json.begin_object();
    json.member("a", 1);
    json.key("b");
    json.begin_array();
    json.string("x");
    json.begin_object();
    json.end();
    json.begin_array();
    json.end();
    json.null();
    json.end();
    json.member("c", true);
    json.key("d");
    json.begin_object();
    json.member("e", "text");
    json.end();
    json.end();
    EXPECT_EQ(json.take(), R"({"a":1,"b":["x",{},[],null],"c":true,"d":{"e":"text"}})");
}

TEST(JsonWriter, WritesEachKindOfMember) {
    JsonWriter json;
    json.begin_object();
    json.member("least", std::numeric_limits<int64_t>::min());
    json.member("most", std::numeric_limits<uint64_t>::max());
    json.member("byte", uint8_t{65});
    json.member("no", false);
    json.member("half", 0.5);
    json.member("tiny", 5e-324);
    json.member("none", std::nan(""));
    json.member("text", std::string("t"));
    const char* words = "not a truth value";
    json.member("words", words);
    json.end();
    EXPECT_EQ(json.take(), R"({"least":-9223372036854775808,"most":18446744073709551615,"byte":65,"no":false,)"
                           R"("half":0.5,"tiny":5e-324,"none":null,"text":"t","words":"not a truth value"})");
}

TEST(JsonWriter, NamesMayHoldAnyByte) {
    for (int byte = 0; byte < 256; ++byte) {
        std::string name = {'a', static_cast<char>(byte)};
        JsonWriter json;
        json.begin_object();
        json.member(name, name);
        json.end();
        auto read = nlohmann::json::parse(json.take(), nullptr, false);
        ASSERT_TRUE(read.is_object() && read.size() == 1) << byte;
        EXPECT_EQ(read.begin().key(), read.begin().value().get<std::string>());
    }
}

TEST(JsonWriter, NumbersAreReadBackAsTheyWere) {
    for (double number : {0.1, 1e-6, 1e300, 123456.789, 1.0 / 3, -0.25}) {
        JsonWriter json;
        json.real(number);
        EXPECT_EQ(nlohmann::json::parse(json.take(), nullptr, false).get<double>(), number);
    }
}

TEST(JsonWriter, BeginsAnewOnceItsTextWasTaken) {
    JsonWriter json;
    json.integer(1);
    EXPECT_EQ(json.take(), "1");
    json.integer(2);
    EXPECT_EQ(json.take(), "2");
}

TEST(JsonWriterDeathTest, LeavesNothingOpen) {
    JsonWriter json;
    json.begin_object();
    EXPECT_DEATH(json.take(), "CHECK");
    JsonWriter array;
    array.begin_array();
    EXPECT_DEATH(array.key("a"), "CHECK");
}

}  // namespace
}  // namespace ringx::http

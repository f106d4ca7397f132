// t/unit/modules/api/json_object_test.cc - what is taken for a body, and what is said about all others.
//
// Nothing a client can send makes it deep, endless or ambiguous.
#include "modules/api/json_object.h"

#include <gtest/gtest.h>

namespace ringx::http::api {
namespace {

std::string mistake_of(std::string_view text) {
    auto object = JsonObject::parse(text);
    return object ? "" : object.error();
}

TEST(JsonObject, HoldsPlainValues) {
    auto object = JsonObject::parse(R"( {"s": "a\u00e9\"", "i": -7, "r": 0.5, "t": true, "n": null,
                                        "huge": 18446744073709551615} )");
    ASSERT_TRUE(object);
    EXPECT_EQ(std::get<std::string>(*object->find("s")), "a\xc3\xa9\"");
    EXPECT_EQ(std::get<int64_t>(*object->find("i")), -7);
    EXPECT_EQ(std::get<double>(*object->find("r")), 0.5);
    EXPECT_EQ(std::get<bool>(*object->find("t")), true);
    EXPECT_TRUE(std::holds_alternative<std::nullptr_t>(*object->find("n")));
    EXPECT_TRUE(std::holds_alternative<double>(*object->find("huge")));
    EXPECT_EQ(object->find("x"), nullptr);
    EXPECT_TRUE(JsonObject::parse("{}")->empty());
}

TEST(JsonObject, EveryMistakeHasItsSentence) {
    struct {
        std::string_view text, want;
    } cases[] = {
        {"", "This is not JSON from byte 1 on."},
        {"{", "This is not JSON from byte 2 on."},
        {"{} x", "This is not JSON from byte 4 on."},
        {"{\"a\": 1,}", "This is not JSON from byte 9 on."},
        {"{\"a\": \"\xff\"}", "This is not JSON from byte 8 on."},
        {"{\"a\": 01}", "This is not JSON from byte 8 on."},
        {"[]", "An object is expected."},
        {"7", "An object is expected."},
        {"\"a\"", "An object is expected."},
        {R"({"a": 1, "a": 2})", "\"a\" is there twice."},
        {R"({"a": {}})", "The value of \"a\" is an object or an array: only plain values are known."},
        {R"({"a": []})", "The value of \"a\" is an object or an array: only plain values are known."},
        {R"({"a": "x\u0000y"})", "A string holds a zero byte."},
        {R"({"x\u0000y": 1})", "A name holds a zero byte."},
    };
    for (auto& c : cases) EXPECT_EQ(mistake_of(c.text), c.want) << c.text;
}

TEST(JsonObject, DepthCostsNothing) {
    std::string deep(1 << 20, '[');
    EXPECT_EQ(mistake_of(deep), "An object is expected.");
    std::string inner = R"({"a":)" + deep;
    EXPECT_EQ(mistake_of(inner), "The value of \"a\" is an object or an array: only plain values are known.");
}

TEST(JsonObject, MembersAreCounted) {
    std::string text = "{\"a0\": 1";
    for (size_t i = 1; i < JsonObject::members_max; ++i) text += ", \"a" + std::to_string(i) + "\": 1";
    EXPECT_EQ(mistake_of(text + "}"), "");
    EXPECT_EQ(mistake_of(text + ", \"one more\": 1}"), "There are too many members.");
}

// Cut anywhere, it is a mistake, and never anything else.
TEST(JsonObject, ItsEndIsWaitedFor) {
    std::string_view whole = R"({"server": "127.0.0.1:80", "weight": 5, "down": false})";
    for (size_t i = 0; i < whole.size(); ++i) EXPECT_NE(mistake_of(whole.substr(0, i)), "") << i;
    EXPECT_EQ(mistake_of(whole), "");
}

TEST(MemberReader, GivesWhatIsThere) {
    auto object = JsonObject::parse(R"({"s": "text", "i": 5, "b": false})");
    MemberReader reader(*object);
    EXPECT_EQ(reader.string("s"), "text");
    EXPECT_EQ(reader.integer("i", 1, 5), 5);
    EXPECT_EQ(reader.boolean("b"), false);
    EXPECT_EQ(reader.integer("not there", 1, 5), std::nullopt);
    EXPECT_EQ(reader.mistake(), std::nullopt);
}

TEST(MemberReader, ComplainsAboutTheFirstThatIsWrong) {
    struct {
        std::string_view text, want;
    } cases[] = {
        {R"({"s": 1, "i": "x"})", "\"s\" must be a string."},
        {R"({"i": "x"})", "\"i\" must be a whole number from 1 to 5."},
        {R"({"i": 6})", "\"i\" must be a whole number from 1 to 5."},
        {R"({"i": 0})", "\"i\" must be a whole number from 1 to 5."},
        {R"({"i": 1.0})", "\"i\" must be a whole number from 1 to 5."},
        {R"({"b": 1})", "\"b\" must be true or false."},
        {R"({"b": null})", "\"b\" must be true or false."},
        {R"({"what": 1, "s": "x"})", "There is no member \"what\"."},
    };
    for (auto& c : cases) {
        auto object = JsonObject::parse(c.text);
        MemberReader reader(*object);
        reader.string("s");
        reader.integer("i", 1, 5);
        reader.boolean("b");
        EXPECT_EQ(reader.mistake(), c.want) << c.text;
    }
}

}  // namespace
}  // namespace ringx::http::api

// t/unit/base/base64_test.cc - base64 as clients write it, well or badly.
//
// The examples are those of RFC 4648 section 10; then one text for each way of being wrong.
#include "base/base64.h"

#include <gtest/gtest.h>

#include <string>

namespace ringx {
namespace {

std::optional<std::string> decoded(std::string_view text) {
    std::string out(base64_decoded_max(text.size()), '\0');
    auto result = decode_base64(text, out.data());
    if (!result) return std::nullopt;
    return std::string(*result);
}

TEST(Base64, decodes_with_and_without_padding) {
    struct {
        std::string_view text, want;
    } cases[] = {
        {"", ""},         {"Zg==", "f"},       {"Zg", "f"},          {"Zm8=", "fo"},          {"Zm8", "fo"},
        {"Zm9v", "foo"},  {"Zm9vYg==", "foob"}, {"Zm9vYmE=", "fooba"}, {"Zm9vYmFy", "foobar"}, {"Zm9v=rest", "foo"},
        {"+/+/", "\xfb\xff\xbf"},
    };
    for (auto& c : cases) EXPECT_EQ(decoded(c.text), c.want) << c.text;
}

TEST(Base64, refuses_other_bytes_and_lone_digits) {
    for (std::string_view text : {"Z", "Zm9vY", "Zm9-", "Zm 9v", "Zm9v\n"}) {
        EXPECT_EQ(decoded(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace ringx

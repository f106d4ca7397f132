// t/unit/http/health_match_test.cc - what answers have to be like for a health check to pass.
//
// Each case is the lines of a block and what they find wrong with one and the same answer.
#include "http/health_match.h"

#include <gtest/gtest.h>

#include "http/text.h"

namespace ringx::http {
namespace {

constexpr std::string_view answer = "HTTP/1.1 204 No\r\nX-A: one\r\nx-a: two\r\nEmpty:\r\n\r\n";
constexpr std::string_view body = "all is well\n";

// One line in words between blanks.
std::string add(HealthMatch& match, std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
        size_t end = std::min(line.find(' '), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return match.add(words);
}

TEST(HealthMatch, finds_what_is_wrong) {
    struct {
        std::vector<std::string_view> lines;
        std::string_view want;
    } cases[] = {
        {{}, ""},
        {{"status 204"}, ""},
        {{"status 200 204-299"}, ""},
        {{"status 200-203 205"}, "status code"},
        {{"status ! 204"}, "status code"},
        {{"status ! 200 301-303"}, ""},
        {{"header X-A"}, ""},
        {{"header x-A = two"}, ""},
        {{"header X-A = three"}, "headers"},
        {{"header X-A = One"}, "headers"},
        {{"header X-A != one"}, ""},
        {{"header X-A ~ ^t"}, ""},
        {{"header X-A !~ [a-z]"}, "headers"},
        {{"header Empty = "}, ""},
        {{"header ! X-B"}, ""},
        {{"header ! X-A"}, "headers"},
        {{"header X-B != one"}, "headers"},
        {{"header X-B !~ one"}, "headers"},
        {{"body ~ ^all"}, ""},
        {{"body ~ ill"}, "response body"},
        {{"body !~ ill"}, ""},
        {{"body !~ is.well"}, "response body"},
        {{"body ~ ill", "header X-B", "status 200"}, "status code"},
        {{"body ~ ill", "header X-B", "status 204"}, "headers"},
    };
    UpstreamHead head;
    UpstreamHeadParser parser;
    ASSERT_EQ(parser.parse(answer, Method::get, head, {}).kind, UpstreamHeadParser::Progress::Kind::done);
    for (const auto& c : cases) {
        HealthMatch match;
        for (std::string_view line : c.lines) {
            if (line == "header Empty = ") {
                std::string_view words[] = {"header", "Empty", "=", ""};
                EXPECT_EQ(match.add(words), "");
            } else {
                EXPECT_EQ(add(match, line), "") << line;
            }
        }
        EXPECT_EQ(match.fault(head, body), c.want) << testing::PrintToString(c.lines);
    }
}

TEST(HealthMatch, looks_at_the_beginning_of_a_body_alone) {
    HealthMatch match;
    EXPECT_FALSE(match.looks_at_body());
    EXPECT_EQ(add(match, "body ~ end$"), "");
    EXPECT_TRUE(match.looks_at_body());
    std::string text(HealthMatch::body_bytes_max, 'x');
    text.replace(text.size() - 3, 3, "end");
    UpstreamHead head;
    EXPECT_EQ(match.fault(head, text), "");
    EXPECT_EQ(match.fault(head, text + "more"), "");
    EXPECT_EQ(match.fault(head, "x" + text), "response body");
}

}  // namespace
}  // namespace ringx::http

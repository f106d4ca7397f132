// t/unit/http/variables_test.cc - templates: how they are read, what they give, and what their names stand for.
//
// Templates are compiled by a directive of the core that takes variables, and evaluated for a routed request.
#include "http/variables.h"

#include <gtest/gtest.h>

#include "http/core_settings.h"
#include "t/unit/http/sample_site.h"

namespace ringx::http {
namespace {

// The configuration of a server whose root is this text.
std::string with_root(std::string_view text, std::string_view more = {}) {
    return "server { listen 1; root \"" + std::string(text) + "\"; " + std::string(more) + " }";
}

TEST(TemplateReader, takes_literals_and_variables_one_by_one) {
    struct {
        std::string_view text, want;  // variables in brackets; at last how it ended
    } cases[] = {
        {"", "end"},
        {"plain text", "plain text end"},
        {"$a", "<a> end"},
        {"x$a_B9-y", "x <a_B9> -y end"},
        {"${a}b", "<a> b end"},
        {"$a$b", "<a> <b> end"},
        {"$10", "$1 0 end"},
        {"$9x$1", "$9 x $1 end"},
        {"${1}", "<1> end"},
        {"${10}", "<10> end"},
        {"$0", "<0> end"},
        {"$", "bad_name"},
        {"a$", "a bad_name"},
        {"$-", "bad_name"},
        {"$$a", "bad_name"},
        {"${", "bad_name"},
        {"${}", "bad_name"},
        {"${a", "no_bracket a"},
        {"${a-b}", "no_bracket a"},
    };
    for (auto& c : cases) {
        TemplateReader reader(c.text);
        std::string seen;
        std::string_view piece;
        for (bool more = true; more;) {
            switch (reader.read(piece)) {
                case TemplateReader::Next::literal: seen += std::string(piece) + " "; continue;
                case TemplateReader::Next::variable: seen += "<" + std::string(piece) + "> "; continue;
                case TemplateReader::Next::capture: seen += "$" + std::string(piece) + " "; continue;
                case TemplateReader::Next::end: seen += "end"; break;
                case TemplateReader::Next::bad_name: seen += "bad_name"; break;
                case TemplateReader::Next::no_bracket: seen += "no_bracket " + std::string(piece); break;
            }
            more = false;
        }
        EXPECT_EQ(seen, c.want) << c.text;
    }
}

TEST(TemplateReader, takes_a_digit_for_a_name_where_there_are_no_captures) {
    TemplateReader reader("$1x", false);
    std::string_view piece;
    EXPECT_EQ(reader.read(piece), TemplateReader::Next::variable);
    EXPECT_EQ(piece, "1x");
    EXPECT_EQ(reader.read(piece), TemplateReader::Next::end);
}

TEST(Template, gives_the_values_in_place_of_the_names) {
    struct {
        std::string_view text, want;
    } cases[] = {
        {"/srv", "/srv"},
        {"/srv/$host", "/srv/example.com"},
        {"/${host}x/$arg_b/$args", "/example.comx/2/a=1&b=2"},
        {"/$HOST$Arg_A", "/example.com1"},
        {"/[$arg_none]", "/[]"},
        {"/$host$host$host$host$host$host$host$host$host$host$host$host$host$host$host$host$arg_a",
         "/example.comexample.comexample.comexample.comexample.comexample.comexample.comexample.comexample.com"
         "example.comexample.comexample.comexample.comexample.comexample.comexample.com1"},
    };
    for (auto& c : cases) {
        SampleSite site(with_root(c.text));
        ASSERT_EQ(site.mistakes(), std::vector<std::string>()) << c.text;
        Request& request = site.request("GET /x?a=1&b=2 HTTP/1.1\nHost: Example.COM:80\n\n");
        EXPECT_EQ(request.core->root.evaluate(request), c.want);
        std::string appended = "<";
        request.core->root.append_to(appended, request);
        EXPECT_EQ(appended, "<" + std::string(c.want));
    }
}

TEST(Template, without_variables_is_the_text_itself) {
    SampleSite site(with_root("/srv"));
    Request& request = site.request();
    EXPECT_TRUE(request.core->root.is_constant());
    EXPECT_EQ(request.core->root.evaluate(request).data(), request.core->root.constant_text().data());
}

TEST(Template, complains_in_the_words_of_nginx) {
    struct {
        std::string_view text, sentence;
    } cases[] = {
        {"/$nothing", "unknown \"nothing\" variable"},
        {"/$1/$10/${12}", "unknown \"12\" variable"},
        {"/${1}", "unknown \"1\" variable"},
        {"/$", "invalid variable name"},
        {"/${host", "the closing bracket in \"host\" variable is missing"},
    };
    for (auto& c : cases) {
        std::vector<std::string> want{std::string(c.sentence)};
        EXPECT_EQ(SampleSite(with_root(c.text)).mistakes(), want) << c.text;
    }
}

TEST(Captures, are_variables_by_number_and_by_name) {
    SampleSite site(with_root("/$1|$2|$NAME|$user",
                              "server_name ~^(?<user>[a-z]+)\\.(org)$; location ~ ^/(?<Name>x+)(y)?(.*) { }"));
    ASSERT_EQ(site.mistakes(), std::vector<std::string>());
    Request& request = site.request("GET /xxz HTTP/1.1\nHost: me.org\n\n");
    EXPECT_EQ(request.core->root.evaluate(request), "/xx||xx|me");
    Request& other = site.request("GET /none HTTP/1.1\nHost: other\n\n");
    EXPECT_EQ(other.core->root.evaluate(other), "/|||");
}

TEST(Captures, may_be_used_before_they_are_defined) {
    SampleSite site("server { listen 1; root /$late; } server { listen 2; server_name ~(?<late>.*)$; }");
    EXPECT_EQ(site.mistakes(), std::vector<std::string>());
}

TEST(Captures, may_not_take_the_name_of_a_variable_that_cannot_change) {
    EXPECT_EQ(SampleSite("server { listen 1; server_name ~(?<host>.*)$; }").mistakes(),
              std::vector<std::string>{"the duplicate \"host\" variable"});
    EXPECT_EQ(SampleSite("server { listen 1; server_name ~(?<http_x>.*)$; }").mistakes(), std::vector<std::string>());
}

}  // namespace
}  // namespace ringx::http

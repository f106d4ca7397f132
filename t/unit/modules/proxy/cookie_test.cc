// cookie_test.cc - cookies are taken apart and put together as nginx does it.
//
// It differs where nginx leaves standing what browsers read in another way: a tab is a blank, and the last of several
// attributes of a name is the one that rules.
#include "modules/proxy/cookie.h"

#include <gtest/gtest.h>

namespace ringx::http::proxy {
namespace {

TEST(Cookie, is_what_stands_between_semicolons) {
    struct { std::string_view text, want; bool is_valid; } cases[] = {
        {"a=b", "a=b", true},
        {"a=b;Path=/;Secure", "a=b; Path=/; Secure", true},
        {" a = b ;  Path = /x y ", "a=b; Path=/x y", true},
        {"a=b;\tSecure", "a=b; Secure", true},
        {"a=", "a=", true},
        {"=b", "=b", true},
        {"a=b=c", "a=b=c", true},
        {"a=b;;c", "a=b; ; c", true},
        {"a", "a", false},
        {"", "", false},
        {"a; path=/", "a; path=/", false},
    };
    for (auto& c : cases) {
        Cookie cookie(c.text);
        EXPECT_EQ(cookie.text(), c.want) << c.text;
        EXPECT_EQ(cookie.is_valid(), c.is_valid) << c.text;
    }
}

// Where nginx rewrites only the first of several SameSite, all are: browsers go by the last.
TEST(Cookie, gets_and_loses_flags) {
    struct { std::string_view text; std::vector<std::string_view> words; std::string_view want; } cases[] = {
        {"a=b", {"secure"}, "a=b; Secure"},
        {"a=b", {"SECURE", "HttpOnly", "SameSite=LAX"}, "a=b; Secure; HttpOnly; SameSite=Lax"},
        {"a=b; secure", {"secure"}, "a=b; secure"},
        {"a=b; secure; x", {"nosecure"}, "a=b; x"},
        {"a=b", {"nosecure", "secure"}, "a=b; Secure"},
        {"a=b; secure", {"secure", "nosecure"}, "a=b; secure"},
        {"a=b", {"samesite=lax", "samesite=strict"}, "a=b; SameSite=Strict"},
        {"a=b", {"samesite=none", "nosamesite"}, "a=b; SameSite=None"},
        {"a=b; samesite=lax; SameSite=none", {"samesite=lax"}, "a=b; samesite=lax; SameSite=Lax"},
        {"a=b; samesite", {"samesite=lax"}, "a=b; SameSite=Lax"},
        {"a=b; samesite=lax; samesite=none", {"nosamesite"}, "a=b"},
        {"secure=1; x", {"secure", "nohttponly"}, "secure=1; x; Secure"},
        {"httponly=1; HttpOnly", {"nohttponly"}, "httponly=1"},
    };
    for (auto& c : cases) {
        CookieFlags flags;
        for (std::string_view word : c.words) EXPECT_TRUE(flags.add(word)) << word;
        Cookie cookie(c.text);
        cookie.set(flags);
        EXPECT_EQ(cookie.text(), c.want) << c.text;
    }
    CookieFlags flags;
    for (auto word : {"", "secur", "samesite", "samesite=", "secure "}) EXPECT_FALSE(flags.add(word)) << word;
    EXPECT_TRUE(flags.empty());
}

TEST(Refresh, has_its_url_behind_the_first_url) {
    struct { std::string_view text; std::optional<size_t> want; } cases[] = {
        {"5; url=http://a/", 7}, {"5;URL=/", 6}, {"url=", 4}, {"5", {}}, {"url", {}}, {"", {}}, {"x; url=a; url=b", 7},
    };
    for (auto& c : cases) EXPECT_EQ(find_refresh_url(c.text), c.want) << c.text;
}

}  // namespace
}  // namespace ringx::http::proxy

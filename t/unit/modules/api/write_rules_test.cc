// t/unit/modules/api/write_rules_test.cc - requests that pages of other sites send through a browser are told apart.
//
// Programs that are no browsers say nothing of where they come from, and are let through.
#include "modules/api/write_rules.h"

#include <gtest/gtest.h>

namespace ringx::http::api {
namespace {

struct Sent {
    std::string_view site;    // Sec-Fetch-Site; empty: none
    std::string_view origin;  // likewise
    std::string_view host = "a.example:8080";
};

bool is_cross_site(const Sent& sent) {
    RequestHead head;
    head.host = parse_host(sent.host).value_or(Host{});
    if (!sent.site.empty()) head.add({"sec-fetch-site", sent.site});
    if (!sent.origin.empty()) head.add({"Origin", sent.origin, Header::origin});
    return api::is_cross_site(head);
}

TEST(WriteRules, TakeWhatComesFromTheSamePlaceOrNone) {
    Sent good[] = {
        {"", ""},
        {"same-origin", ""},
        {"none", ""},
        {"same-origin", "http://a.example:8080"},
        {"", "https://A.example:8080"},
        {"", "http://a.example", "a.example"},
        {"", "http://[::1]:80", "[::1]:80"},
    };
    for (auto& sent : good) EXPECT_FALSE(is_cross_site(sent)) << sent.site << " " << sent.origin;
}

TEST(WriteRules, RefuseOtherSites) {
    Sent bad[] = {
        {"cross-site", ""},
        {"same-site", ""},
        {"Same-Origin", ""},
        {"cross-site", "http://a.example:8080"},
        {"same-origin", "http://b.example:8080"},
        {"", "http://a.example"},
        {"", "http://a.example:8081"},
        {"", "http://b.a.example:8080"},
        {"", "http://a.example:8080.evil.example"},
        {"", "http://a.example:8080@evil.example"},
        {"", "null"},
        {"", "a.example:8080"},
        {"", "http://"},
        {"", "http://a.example:8080", "a.example:80"},
    };
    for (auto& sent : bad) EXPECT_TRUE(is_cross_site(sent)) << sent.site << " " << sent.origin;
}

TEST(WriteRules, BrowsersUseOurNames) {
    using Kind = ServerName::Kind;
    const std::vector<ServerName> names = {
        {Kind::exact, "", nullptr}, {Kind::exact, "a.example", nullptr}, {Kind::suffix, ".b.example", nullptr},
        {Kind::prefix, "c.", nullptr}, {Kind::regex, "", *Regex::compile("^d\\d$", false)},
    };
    auto is_strange = [&](std::string_view host, bool is_browser) {
        RequestHead head;
        head.host = parse_host(host).value_or(Host{});
        if (is_browser) head.add({"Sec-Fetch-Site", "same-origin"});
        return is_strange_name(head, names);
    };
    for (auto host : {"a.example", "A.Example:8080", "x.b.example", "c.org", "d1", "127.0.0.1:80", "[::1]", "localhost",
                      "x.localhost:8080"}) {
        EXPECT_FALSE(is_strange(host, true)) << host;
    }
    for (auto host : {"evil.example", "x.a.example", "b.example", "d10", "127.0.0.1.a.example", "localhost.example"}) {
        EXPECT_TRUE(is_strange(host, true)) << host;
        EXPECT_FALSE(is_strange(host, false)) << "no browser: " << host;
    }
}

TEST(WriteRules, KnowJson) {
    for (auto good : {"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;"}) {
        EXPECT_TRUE(is_json(good)) << good;
    }
    for (auto bad : {"", "text/plain", "application/jsonp", "application/x-www-form-urlencoded; application/json"}) {
        EXPECT_FALSE(is_json(bad)) << bad;
    }
}

}  // namespace
}  // namespace ringx::http::api

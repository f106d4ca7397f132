// t/unit/http/subrequest_test.cc - subrequests without a connection: what they have of their parents, and their limits.
//
// Their locations answer at once, so nothing waits; what does is tested from outside, by the modules that use them.
#include "http/subrequest.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "http/pipeline.h"
#include "t/unit/http/sample_site.h"

namespace ringx::http {
namespace {

constexpr Subrequest::What to_auth{.target = {"/auth", "a=b", true}};

Task<void> run_to_end(Subrequest& subrequest, uint16_t& status) {
    co_await subrequest.run();
    status = subrequest.response().status;
    co_await subrequest.end();
}

uint16_t status_of(Request& parent) {
    Subrequest subrequest(parent, to_auth);
    uint16_t status = 0;
    Task<void> task = run_to_end(subrequest, status);
    EXPECT_TRUE(task.done());
    return status;
}

constexpr std::string_view site_text =
    "server { listen 1; location / { } location = /auth { internal; set $x \"$x$args\"; return 204; } }";

TEST(Subrequest, has_a_response_and_shares_variables) {
    SampleSite site(site_text);
    Request& parent = site.request("POST /b HTTP/1.1\nHost: a\nContent-Length: 1\n\n");
    for (int time = 0; time < 3; ++time) EXPECT_EQ(status_of(parent), 204);
    EXPECT_EQ(parent.subrequests, 0);
    EXPECT_EQ(parent.activities, nullptr);

    Subrequest subrequest(parent, to_auth);
    uint16_t status = 0;
    EXPECT_EQ(subrequest.request().method(), Method::get);
    EXPECT_EQ(subrequest.request().head.framing, Framing::none);
    EXPECT_EQ(subrequest.request().asked_method, "POST");
    EXPECT_EQ(subrequest.request().head.uri, "/b");
    EXPECT_EQ(parent.subrequests, 1);
    Task<void> task = run_to_end(subrequest, status);
    EXPECT_TRUE(task.done());
}

TEST(Subrequest, owns_the_text_of_its_head) {
    RequestHead head;
    Arena arena;
    {
        std::string bytes = "/a value";
        std::string_view all = bytes;
        RequestHead original;
        original.uri = original.target = all.substr(0, 2);
        original.add({all.substr(3), all.substr(3), Header::cookie});
        head.copy(original, arena);
        bytes.assign(bytes.size(), 'x');
    }
    EXPECT_EQ(head.uri, "/a");
    EXPECT_EQ(head.value(Header::cookie), "value");
}

TEST(Subrequest, may_be_within_fifty_others) {
    SampleSite site(site_text);
    Request* parent = &site.request();
    std::vector<std::unique_ptr<Subrequest>> around;
    for (int depth = 1; depth <= subrequest_depth_max; ++depth) {
        around.push_back(std::make_unique<Subrequest>(*parent, to_auth));
        parent = &around.back()->request();
        enter(*parent, parent->server->outside);
        EXPECT_EQ(parent->depth, depth);
        if (depth < subrequest_depth_max) {
            EXPECT_EQ(status_of(*parent), 204);
        }
    }
    EXPECT_EQ(status_of(*parent), 500);
    while (!around.empty()) {
        Task<void> ended = around.back()->end();
        EXPECT_TRUE(ended.done());
        around.pop_back();
    }
}

TEST(Subrequest, has_a_limited_number_of_others_beside_it) {
    SampleSite site(site_text);
    Request& parent = site.request();
    std::vector<std::unique_ptr<Subrequest>> beside;
    for (int number = 1; number < subrequests_max; ++number) {
        beside.push_back(std::make_unique<Subrequest>(parent, to_auth));
    }
    EXPECT_EQ(status_of(parent), 204);
    beside.push_back(std::make_unique<Subrequest>(parent, to_auth));
    EXPECT_EQ(status_of(parent), 500);
    EXPECT_EQ(status_of(beside.front()->request()), 500);  // they are counted together
    for (auto& one : beside) {
        Task<void> ended = one->end();
        EXPECT_TRUE(ended.done());
    }
    EXPECT_EQ(parent.subrequests, 0);
    EXPECT_EQ(status_of(parent), 204);
}

}  // namespace
}  // namespace ringx::http
